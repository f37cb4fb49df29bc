import { basename, join } from 'node:path'
import { fenceName } from '../../src/names.ts'
import type { Change, Guard } from '../../src/store.ts'
import { applyTexts, syncRecordFolders } from './apply.ts'
import { forEachLimited, hasCode, type OpenFile, writeAll, writeFile } from './file-system.ts'
import { encodeEntry, hashOf } from './journal.ts'
import {
  encodeHead,
  findState,
  type Head,
  newId,
  nobody,
  type Place,
  type Predecessor,
  readHead,
  type State,
} from './place.ts'
import { loadPlacement, type Placement } from './placement.ts'
import { isChangedByOthers, journalPath, type Replay, readTexts, replayJournals } from './texts.ts'
import { Moved } from './trouble.ts'

/** An open journal, with its own number among those of an owner. */
export interface OpenJournal {
  readonly file: OpenFile
  readonly path: string
  readonly sequence: number
  /** Where its last entry ends. */
  bytes: number
  /** How long the file is: what follows the entries is zeros. */
  length: number
}

/** What a claim that became `live` hands to the owner. */
export interface Taken {
  readonly id: string
  /** The owner's own folder, `live.<id>`. */
  readonly folder: string
  readonly head: Head
  readonly placement: Placement
  readonly journal: OpenJournal
}

/**
 * Takes the state over, recovers it, and lands the batch, in two renames: `live.<base>` to `claim.<base>.<id>`, which
 * exactly one contender gets, and that to `live.<id>`, which is the moment when the batch lands. Whatever fails
 * between them is undone by renaming back; whoever dies between them has changed nothing that counts, and the next
 * contender claims the claim. Gives `false` where a guard did not hold. @throws Moved where another was faster
 */
export async function takeOver(
  place: Place,
  state: State,
  changes: readonly Change[],
  guards: readonly Guard[],
): Promise<Taken | false> {
  const id = newId()
  const folder = await claim(place, state, id)
  try {
    const taken = await recoverAndLand(place, state, folder, id, changes, guards)
    if (taken) return taken
  } catch (error) {
    await giveBack(place, state, folder)
    throw hasCode(error, 'ENOENT') ? new Moved() : error
  }
  await giveBack(place, state, folder)
  return false
}

/** Renames the state to a claim of this id, and gives its folder. @throws Moved where another was faster */
export async function claim(place: Place, state: State, id: string): Promise<string> {
  const folder = join(place.home, `claim.${state.base}.${id}`)
  try {
    await place.fs.rename(join(place.home, state.name), folder)
  } catch (error) {
    throw hasCode(error, 'ENOENT') ? new Moved() : error
  }
  return folder
}

/** Undoes a claim. Where that fails the claim stays, and counts as what it was made of. */
export async function giveBack(place: Place, state: State, folder: string): Promise<void> {
  await place.fs.rename(folder, join(place.home, `live.${state.base}`)).catch(() => {})
}

/**
 * Whether a batch that its owner appended up to `bytes` counted when the owner lost the state; `undefined` while, or
 * if, nobody can tell any more.
 */
export async function hasCounted(place: Place, mine: Predecessor): Promise<boolean | undefined> {
  const state = await findState(place)
  if (!state || state.kind === 'gone') return false
  if (state.kind === 'claim') return undefined
  if (state.base === mine.id) return true
  const head = await readHead(place, state)
  const cut = head?.from.find(({ id }) => id === mine.id)
  if (!cut) return undefined
  return mine.sequence < cut.sequence || (mine.sequence === cut.sequence && mine.bytes <= cut.bytes)
}

async function recoverAndLand(
  place: Place,
  state: State,
  folder: string,
  id: string,
  changes: readonly Change[],
  guards: readonly Guard[],
): Promise<Taken | false> {
  const { fs, home } = place
  const head = await readHead(place, { ...state, kind: 'claim', name: `claim.${state.base}.${id}` })
  if (!head) throw new Moved()
  await sweep(place, folder, state.base)
  const replay = await replayJournals(place, folder, state.base)
  const placement = await loadPlacement(place)
  const stored = await readTexts(placement, replay.overlay.keys())
  const isStale = isChangedByOthers(replay, stored)
  const counted = isStale ? [] : Array.from(replay.overlay)

  const records = changes.filter(({ name }) => name !== fenceName)
  const asked = [...records, ...guards].map(({ name }) => name)
  const texts = await readTexts(placement, asked)
  for (const [name, text] of counted) texts.set(name, text)
  texts.set(fenceName, head.fence)
  if (!guards.every(({ name, value }) => texts.get(name) === value)) return false

  if (isStale) await setAside(place, replay)
  await applyTexts(place, placement, folder, counted)
  if (counted.length > 0) await syncRecordFolders(place)

  const fence = changes.find(({ name }) => name === fenceName)
  const cut: Predecessor = isStale
    ? { id: state.base, sequence: 0, bytes: 0 }
    : { id: state.base, sequence: replay.sequence, bytes: replay.bytes }
  const next: Head = { fence: fence ? fence.value : head.fence, from: [cut, ...head.from] }
  await writeFile(fs, join(folder, `head.${id}`), encodeHead(next), place.sync.files)
  const file = await fs.create(journalPath(folder, id, 1))
  try {
    const entries = records.map(({ name, value }) => ({ name, value, base: hashOf(texts.get(name)) }))
    const entry = entries.length > 0 ? encodeEntry(entries) : Buffer.alloc(0)
    await writeAll(file, entry)
    if (place.sync.files) {
      await file.datasync()
      await fs.syncFolder(folder)
    }
    const own = join(home, `live.${id}`)
    await fs.rename(folder, own)
    if (place.sync.files) await fs.syncFolder(home)
    await forget(place, own, state.base, replay)
    const { length } = entry
    const journal = { file, path: journalPath(own, id, 1), sequence: 1, bytes: length, length }
    return { id, folder: own, head: next, placement, journal }
  } catch (error) {
    await file.close().catch(() => {})
    throw error
  }
}

/** Removes what an owner or a contender died over. What a stopped one is about to rename goes with it. */
async function sweep(place: Place, folder: string, base: string): Promise<void> {
  const names = await place.fs.readFolder(folder)
  const leftOver = names.filter(name => name.split('.')[1] !== base || !/^(?:head|journal)\./.test(name))
  await forEachLimited(leftOver, 4, async name => {
    await place.fs.removeTree(join(folder, name))
  })
}

async function setAside(place: Place, replay: Replay): Promise<void> {
  const above = join(place.home, '..')
  const time = new Date().toISOString().replaceAll(':', '-')
  for (const [index, path] of replay.paths.entries()) {
    const name = index === 0 ? `journal.${time}.stale` : `journal.${time}.${index}.stale`
    await place.fs.rename(path, join(above, name))
  }
  if (place.sync.files) await place.fs.syncFolder(above)
  place.warn(
    'JOURNAL_STALE',
    `Another program changed ${place.folder ?? place.home} after its last owner here was killed: its files count, and that owner's journal is set aside as journal.${time}.stale in ${above}. Call close() before another program uses the folder; after a kill, open it here once and close() it.`,
  )
}

/** Removes what first openers made that were second, or died. One that still lives looks again. */
async function sweepStaging(place: Place): Promise<void> {
  const above = join(place.home, '..')
  for (const name of await place.fs.readFolder(above)) {
    if (name.startsWith('new.')) await place.fs.removeTree(join(above, name))
  }
}

/** What is left of the last owner counts no more; the next take-over sweeps what can't be deleted now. */
async function forget(place: Place, folder: string, base: string, replay: Replay): Promise<void> {
  if (base === nobody) await sweepStaging(place).catch(() => {})
  for (const name of [...replay.paths.map(path => basename(path)), `head.${base}`]) {
    await place.fs.unlink(join(folder, name)).catch(() => {})
  }
}
