import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type FileSystem, hasCode, ifPresent, writeFile } from './file-system.ts'
import { trouble } from './trouble.ts'

/** What a store tells its caller when something needs attention and nothing failed. */
export type Warn = (code: string, message: string) => void

/** Where one scope lives, and how. */
export interface Place {
  readonly fs: FileSystem
  readonly scope: string
  /** Baileys' folder; `undefined` for internal scopes, whose records are all in `home`. */
  readonly folder: string | undefined
  /**
   * The folder of ours that holds the scope's state: exactly one folder named by {@link State}. It appears by a
   * rename with that folder in it, and every change of owner is a rename of that folder: so each is a
   * compare-and-swap, of which exactly one can succeed, and a process that dies between two of them leaves a state
   * that the next one goes on from.
   */
  readonly home: string
  /** Whether `folder` does not bear the session's name, so that it has to be written down. */
  readonly isLabelled: boolean
  readonly sync: { readonly batches: boolean; readonly files: boolean }
  readonly isBehind: boolean
  readonly warn: Warn
}

/**
 * - `live.<id>`: the owner of this name may append to the journal in it. What a name holds as fence never changes.
 * - `claim.<base>.<id>`: somebody is taking over what `live.<base>` was; fence and journal are still those of `base`.
 * - `gone.<id>`: removed; whatever files are left do not count.
 */
export interface State {
  readonly kind: 'live' | 'claim' | 'gone'
  /** The id whose fence and journal count. */
  readonly base: string
  readonly name: string
}

/** How far an owner's journal counted when the next one took over. */
export interface Predecessor {
  readonly id: string
  readonly sequence: number
  readonly bytes: number
}

/** What an owner's state says beside its journal. */
export interface Head {
  readonly fence: string | undefined
  /** The newest first. */
  readonly from: readonly Predecessor[]
}

/** The state that nobody has owned yet. */
export const nobody = '0'

/** A name that is used once. */
export function newId(): string {
  return randomBytes(8).toString('hex')
}

/** The scope's state; `undefined` where it has none: it is absent, or only Baileys has been here. */
export async function findState(place: Place): Promise<State | undefined> {
  for (let attempt = 0; ; attempt++) {
    const names = await ifPresent(place.fs.readFolder(place.home))
    if (!names) return undefined
    const states = names.map(parseState).filter(state => state !== undefined)
    if (states.length === 1) return states[0]
    // A listing is not one step: a rename beside it may show both names, or none.
    if (attempt < 5) continue
    if (states.length === 0) return undefined
    throw trouble(
      'RECORD_CORRUPT',
      `${place.home} holds the states of several owners, as a copy over an older copy does. Delete all but the newest of its folders live.*.`,
    )
  }
}

function parseState(name: string): State | undefined {
  const [kind, base, claim] = name.split('.')
  if (base === undefined) return undefined
  if (kind === 'live' || kind === 'gone') return { kind, base, name }
  return kind === 'claim' && claim !== undefined ? { kind, base, name } : undefined
}

/** The head of the state's base; `undefined` where the state has moved on. */
export async function readHead(place: Place, state: State): Promise<Head | undefined> {
  if (state.base === nobody || state.kind === 'gone') return { fence: undefined, from: [] }
  const path = join(place.home, state.name, `head.${state.base}`)
  const bytes = await ifPresent(place.fs.readFile(path))
  if (!bytes) return undefined
  try {
    // Only encodeHead writes this file, and it appears with the rename that makes it count.
    const head = JSON.parse(bytes.toString()) as {
      version: number
      fence: string | null
      from: Predecessor[]
    }
    if (head.version === 1) return { fence: head.fence ?? undefined, from: head.from }
  } catch (cause) {
    throw trouble(
      'RECORD_CORRUPT',
      `${path} is damaged. Restore it from a backup, or delete ${place.home}.`,
      cause,
    )
  }
  throw trouble(
    'SCHEMA_NEWER',
    `${place.home} was written by a newer version of this package. Update it here too.`,
  )
}

/** A head as its file holds it. */
export function encodeHead(head: Head): string {
  return JSON.stringify({ version: 1, fence: head.fence ?? null, from: head.from.slice(0, 16) })
}

/** Makes the scope's folders with the state that nobody owns, unless another process is first. */
export async function begin(place: Place): Promise<void> {
  const { fs, folder, home } = place
  const above = join(home, '..')
  await fs.makeFolders(above)
  const staging = join(above, `new.${newId()}`)
  try {
    await fs.makeFolder(staging)
    await fs.makeFolder(join(staging, `live.${nobody}`))
    await furnish(place, staging)
    if (folder !== undefined) await ignoreInGit(fs, folder)
    await replaceEmpty(fs, staging, home)
    // What is in `home` itself is made safe by the take-over that follows.
    const parents = folder === undefined ? [] : [above, folder, join(folder, '..')]
    if (place.sync.files) await Promise.all(parents.map(path => fs.syncFolder(path)))
  } catch (error) {
    await fs.removeTree(staging).catch(() => {})
    // Another first opener won, or a removal swept what was being made: look again.
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT')) throw error
  }
}

/** Makes, in this folder, what {@link Place.home} holds beside the state. */
export async function furnish(place: Place, folder: string): Promise<void> {
  await place.fs.makeFolder(join(folder, 'kept'))
  if (!place.isLabelled) return
  await writeFile(place.fs, join(folder, 'scope'), place.scope, place.sync.files)
}

async function replaceEmpty(fs: FileSystem, staging: string, home: string): Promise<void> {
  try {
    await fs.rename(staging, home)
  } catch (error) {
    // Windows renames nothing over a folder, not even over the empty one that a removal may leave for a moment.
    if (!hasCode(error, 'EPERM', 'EACCES', 'EEXIST')) throw error
    await fs.removeFolder(home)
    await fs.rename(staging, home)
  }
}

async function ignoreInGit(fs: FileSystem, folder: string): Promise<void> {
  try {
    await writeFile(fs, join(folder, '.gitignore'), '*\n', false)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
}
