import { join } from 'node:path'
import { baileysFileName, folded, isPlain, isPortable, keptFileName, recordOfFile } from './file-names.ts'
import { ifPresent } from './file-system.ts'
import type { Place } from './place.ts'
import { trouble } from './trouble.ts'

/**
 * Knows in which file each record of a folder is: Baileys' own, or one in `kept/`.
 *
 * A record whose Baileys file name means the same on every file system has that file. Where a name has capitals, or
 * characters that some system refuses, the first record of those that differ in case alone has Baileys' file, and
 * the others are kept. So such names are looked up in a listing: what opens under a name may be another's file.
 */
export class Placement {
  readonly #place: Place
  readonly #kept: Set<string>
  /** Files whose names are alike but for case; only groups in which a name is not plain. */
  readonly #groups: Map<string, Set<string>>

  constructor(place: Place, kept: Iterable<string>, files: readonly string[]) {
    this.#place = place
    this.#kept = new Set(kept)
    this.#groups = new Map()
    const records = files.filter(file => recordOfFile(file) !== undefined)
    for (const file of records) if (!isPlain(file)) this.#groups.set(folded(file), new Set())
    if (this.#groups.size > 0) for (const file of records) this.#groups.get(folded(file))?.add(file)
  }

  /** True for a record that Baileys' own function does not find. */
  isKept(record: string): boolean {
    return this.#kept.has(keptFileName(record)) || this.#baileysFile(record) === undefined
  }

  /** The record's text, `undefined` where it has none. */
  async read(record: string): Promise<string | undefined> {
    const { fs } = this.#place
    const file = this.#baileysFile(record)
    if (file !== undefined) {
      const bytes = await ifPresent(fs.readFile(file.path))
      if (bytes || file.isCertain) return bytes?.toString()
    }
    const kept = keptFileName(record)
    if (!this.#kept.has(kept)) return undefined
    const bytes = await ifPresent(fs.readFile(this.#keptPath(kept)))
    return bytes && parseKept(bytes.toString(), record, this.#place.home)
  }

  /** Where the record's next text belongs. Records that are alike but for case get one place each at once. */
  placeFor(record: string): string {
    return this.#fileForWriting(record) ?? this.#keptPath(keptFileName(record))
  }

  /** Where the record may be now. */
  placesOf(record: string): readonly string[] {
    const kept = keptFileName(record)
    const file = this.#baileysFile(record)
    return [...(file ? [file.path] : []), ...(this.#kept.has(kept) ? [this.#keptPath(kept)] : [])]
  }

  /** True for a record that has no file; sooner known than by reading one. */
  isAbsent(record: string): boolean {
    return this.placesOf(record).every(path => this.#place.fs.identify(path) === undefined)
  }

  /** The file's content for a text, at the path that {@link places} gave. */
  content(record: string, path: string, text: string): string {
    return path === this.#keptPath(keptFileName(record)) ? `${record}\n${text}` : text
  }

  /** Takes note of a file that is there now. */
  added(record: string, path: string): void {
    const kept = keptFileName(record)
    const file = baileysFileName(record)
    if (path === this.#keptPath(kept)) {
      this.#kept.add(kept)
      return
    }
    this.#kept.delete(kept)
    if (file !== undefined) this.#groups.get(folded(file))?.add(file)
  }

  /** Takes note that the record has no file any more. */
  removed(record: string): void {
    this.#kept.delete(keptFileName(record))
    const file = baileysFileName(record)
    if (file === undefined) return
    const group = this.#groups.get(folded(file))
    group?.delete(file)
    if (group?.size === 0) this.#groups.delete(folded(file))
  }

  #keptPath(kept: string): string {
    return join(this.#place.home, 'kept', kept)
  }

  #baileysFile(record: string): { path: string; isCertain: boolean } | undefined {
    const { folder } = this.#place
    const file = folder === undefined ? undefined : baileysFileName(record)
    if (folder === undefined || file === undefined) return undefined
    const group = this.#groups.get(folded(file))
    // Not in a group of its own spelling: what opens under this name is another record's, or nothing.
    if (group ? !group.has(file) : !isPlain(file)) return undefined
    return { path: join(folder, file), isCertain: group !== undefined }
  }

  #fileForWriting(record: string): string | undefined {
    const { folder, fs } = this.#place
    const file = folder === undefined ? undefined : baileysFileName(record)
    if (folder === undefined || file === undefined) return undefined
    const path = join(folder, file)
    const group = this.#groups.get(folded(file))
    if (group) return group.has(file) ? path : undefined
    if (isPlain(file)) return path
    if (!isPortable(file)) return undefined
    // No group: so a file that is alike can only be spelled in small letters.
    if (fs.identify(join(folder, folded(file)))) return undefined
    this.#groups.set(folded(file), new Set([file]))
    return path
  }
}

/** Looks at the folder as it is now. */
export async function loadPlacement(place: Place): Promise<Placement> {
  const [kept, files] = await Promise.all([
    ifPresent(place.fs.readFolder(join(place.home, 'kept'))),
    place.folder === undefined ? undefined : ifPresent(place.fs.readFolder(place.folder)),
  ])
  return new Placement(place, kept ?? [], files ?? [])
}

/** The record that a file in `kept/` holds. */
export function recordOfKept(content: string): string {
  return content.slice(0, content.indexOf('\n'))
}

function parseKept(content: string, record: string, home: string): string {
  if (content.startsWith(`${record}\n`)) return content.slice(record.length + 1)
  throw trouble(
    'RECORD_CORRUPT',
    `A file in ${home}/kept is damaged. Restore it from a backup, or remove the record.`,
  )
}
