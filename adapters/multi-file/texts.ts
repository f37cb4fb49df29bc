import { join } from 'node:path'
import { forEachLimited, ifPresent } from './file-system.ts'
import { hashOf, parseJournal } from './journal.ts'
import type { Place } from './place.ts'
import type { Placement } from './placement.ts'
import { Moved, trouble } from './trouble.ts'

const readsAtOnce = 16

/** What the journals of a state say, over the record files. */
export interface Replay {
  /** The last text of each record that they name. */
  readonly overlay: ReadonlyMap<string, string | undefined>
  /** For each record, hashes of all texts that its file may hold unless another program wrote it. */
  readonly known: ReadonlyMap<string, ReadonlySet<string>>
  /** The journals, the oldest first. */
  readonly paths: readonly string[]
  /** Where the last of them ends. */
  readonly sequence: number
  readonly bytes: number
}

/** Reads all journals of one owner in a state's folder, each up to its torn tail. */
export async function replayJournals(place: Place, folder: string, owner: string): Promise<Replay> {
  const overlay = new Map<string, string | undefined>()
  const known = new Map<string, Set<string>>()
  const journals = await journalsIn(place, folder, owner)
  let bytes = 0
  for (const { path } of journals) {
    const content = await ifPresent(place.fs.readFile(path))
    if (!content) throw new Moved()
    const journal = parseJournal(content)
    if (!journal) {
      throw trouble(
        'RECORD_CORRUPT',
        `The journal ${path} is damaged in its middle. Restore the folder from a backup; or delete the journal, which loses the changes of its last second, and expect messages that can't be decrypted.`,
      )
    }
    bytes = journal.bytes
    for (const { name, value, base } of journal.entries.flat()) {
      const hashes = known.get(name) ?? new Set()
      known.set(name, hashes.add(hashOf(value)))
      if (base !== undefined) hashes.add(base)
      overlay.set(name, value)
    }
  }
  return {
    overlay,
    known,
    paths: journals.map(({ path }) => path),
    sequence: journals.at(-1)?.sequence ?? 0,
    bytes,
  }
}

/** The journals of one owner, the oldest first. @throws Moved where the folder is gone */
export async function journalsIn(
  place: Place,
  folder: string,
  owner: string,
): Promise<{ path: string; sequence: number }[]> {
  const names = await ifPresent(place.fs.readFolder(folder))
  if (!names) throw new Moved()
  const prefix = `journal.${owner}.`
  return names
    .filter(name => name.startsWith(prefix))
    .map(name => ({ path: join(folder, name), sequence: Number(name.slice(prefix.length)) }))
    .sort((one, other) => one.sequence - other.sequence)
}

/** The path of an owner's journal. */
export function journalPath(folder: string, owner: string, sequence: number): string {
  return join(folder, `journal.${owner}.${sequence}`)
}

/** The texts that the record files hold, absent ones as `undefined`. */
export async function readTexts(
  placement: Placement,
  records: Iterable<string>,
): Promise<Map<string, string | undefined>> {
  const texts = new Map<string, string | undefined>()
  await forEachLimited(records, readsAtOnce, async record => {
    texts.set(record, await placement.read(record))
  })
  return texts
}

/** Whether another program has changed one of these records since the journals were left. */
export function isChangedByOthers(replay: Replay, texts: ReadonlyMap<string, string | undefined>): boolean {
  for (const [record, text] of texts) {
    const hashes = replay.known.get(record)
    if (hashes && !hashes.has(hashOf(text))) return true
  }
  return false
}
