import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { credsName, fenceName, isReserved } from '../../src/names.ts'
import type { Change, Entry, Guard, ListOptions } from '../../src/store.ts'
import { baileysFileName, recordOfFile } from './file-names.ts'
import { ifPresent } from './file-system.ts'
import { Owner } from './owner.ts'
import { begin, findState, newId, type Place, readHead, type State } from './place.ts'
import { loadPlacement, recordOfKept } from './placement.ts'
import { finishRemoval, removeClaimed } from './removal.ts'
import { claim, giveBack, takeOver } from './take-over.ts'
import { isChangedByOthers, journalsIn, type Replay, readTexts, replayJournals } from './texts.ts'
import { Moved, trouble } from './trouble.ts'

/** How long files may be behind the journal, within a second with the time to write them, and how much of it. */
const behindMs = 750
const behindBytes = 8 * 1024 * 1024
/** After this many failures in a row the files wait for the next batch: the journal holds what they lack. */
const attemptsInBackground = 5
/**
 * How long a claim may stand before a contender takes it for left behind: at first, and at most. It doubles with each
 * claim seen, so that contenders on a slow disk don't take it from each other for ever. Taking a living one is safe.
 */
const claimMs = 100
const longestClaimMs = 5000
const pageSize = 500

const nothing: Replay = { overlay: new Map(), known: new Map(), paths: [], sequence: 0, bytes: 0 }

/**
 * One scope in its folder. Whoever owns the state appends; everybody else reads what is on disk, and looks again
 * where it moved meanwhile. This class picks the way for each call, and writes the files behind.
 */
export class SessionFolder {
  readonly #place: Place
  #owner: Owner | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #failures = 0

  constructor(place: Place) {
    this.#place = place
  }

  /** Where it lies. */
  get folder(): string {
    return this.#place.folder ?? this.#place.home
  }

  /** Whether this store took it, as far as it has heard. */
  get isTaken(): boolean {
    return this.#owner !== undefined
  }

  async read(names: readonly string[]): Promise<(string | undefined)[]> {
    const texts = names.includes(fenceName) ? undefined : await this.#owner?.read(names)
    return texts ?? this.#readFromDisk(names)
  }

  write(changes: readonly Change[], guards: readonly Guard[]): Promise<boolean> {
    return this.#inTurn(async () => {
      const landed = changes.some(({ name }) => name === fenceName)
        ? undefined
        : await this.#owner?.land(changes, guards)
      if (landed === undefined) return this.#takeOver(changes, guards)
      if (landed) await this.#follow(changes)
      return landed
    })
  }

  remove(guards: readonly Guard[]): Promise<boolean> {
    return this.#inTurn(async () => {
      await this.#letGo()
      return this.#whenMine(guards, async state => {
        const claimed = await claim(this.#place, state, newId())
        const mine: State = { ...state, kind: 'claim', name: claimed.slice(this.#place.home.length + 1) }
        const hold = await this.#snapshot(mine, names(guards)).catch(async error => {
          await giveBack(this.#place, state, claimed)
          throw error
        })
        if (!hold) throw new Moved()
        if (!allHold(guards, hold)) {
          await giveBack(this.#place, state, claimed)
          return false
        }
        await removeClaimed(this.#place, claimed)
        return true
      })
    })
  }

  async *list(options: ListOptions = {}): AsyncIterable<readonly Entry[]> {
    const { prefix = '', values = false } = options
    const found = Array.from(await this.#names()).filter(name => name.startsWith(prefix))
    for (let from = 0; from < found.length; from += pageSize) {
      const page = found.slice(from, from + pageSize)
      if (!values) yield page.map(name => ({ name }))
      else {
        const texts = await this.read(page)
        const entries = page.map((name, index) => ({ name, value: texts[index] }))
        yield entries.filter((entry): entry is { name: string; value: string } => entry.value !== undefined)
      }
    }
  }

  async holdsRecords(): Promise<boolean> {
    for (const name of await this.#names()) if (!isReserved(name)) return true
    return false
  }

  /** How many records Baileys' own function does not find. */
  async kept(): Promise<number> {
    const found = Array.from(await this.#names())
    const placement = await loadPlacement(this.#place)
    return found.filter(name => !isReserved(name) && placement.isKept(name)).length
  }

  /**
   * Writes what files lack, and closes the journal. Where that fails the journal still holds it. Gives how many
   * records Baileys' own function does not find; nothing where the scope was somebody else's.
   */
  close(): Promise<number> {
    return this.#inTurn(async () => {
      await this.#flush(true)
      const isOwner = this.#owner?.isLost() === false
      await this.#letGo()
      // Only a warning depends on it, and a folder that can't be listed has been complained of elsewhere.
      return isOwner ? this.kept().catch(() => 0) : 0
    })
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => {})
    return result
  }

  async #takeOver(changes: readonly Change[], guards: readonly Guard[]): Promise<boolean> {
    await this.#letGo()
    return this.#whenMine(guards, async state => {
      const taken = await takeOver(this.#place, state, changes, guards)
      if (!taken) return false
      this.#owner = await Owner.begin(this.#place, taken, changes)
      if (changes.some(({ name }) => name === fenceName)) await this.#flush(true)
      else await this.#follow(changes)
      return true
    })
  }

  /** Finds the state, and does the work when the guards hold and nobody else is at it. */
  async #whenMine(guards: readonly Guard[], work: (state: State) => Promise<boolean>): Promise<boolean> {
    let lastClaim = ''
    let claimSince = 0
    let patienceMs = claimMs * (0.5 + Math.random() / 2)
    for (let attempt = 0; attempt < 1000; attempt++) {
      try {
        const state = await findState(this.#place)
        const texts = await this.#snapshot(state, names(guards))
        if (!texts) throw new Moved()
        if (!allHold(guards, texts)) return false
        if (state === undefined) await begin(this.#place)
        else if (state.kind === 'gone') await finishRemoval(this.#place, state)
        else if (state.kind === 'claim') {
          if (state.name !== lastClaim) {
            claimSince = performance.now()
            patienceMs = Math.min(2 * patienceMs, longestClaimMs)
          }
          lastClaim = state.name
          if (performance.now() - claimSince >= patienceMs) return await work(state)
          await delay(10)
        } else return await work(state)
      } catch (error) {
        if (!(error instanceof Moved)) throw error
        // Of several contenders that get in each other's way, one has to be ahead.
        if (attempt > 3) await delay(Math.random() * Math.min(attempt, 20))
      }
    }
    throw this.#restless('WRITE_FAILED')
  }

  /** After a batch landed: creds at once, the rest soon. */
  async #follow(changes: readonly Change[]): Promise<void> {
    if (!this.#place.isBehind) return this.#flush(true)
    if (changes.some(({ name }) => name === credsName)) {
      const owner = this.#owner
      await owner?.writeCreds().catch(error => this.#flushFailed(owner, error))
    }
    const isLong = (this.#owner?.journalBytes ?? 0) > behindBytes
    if (isLong) this.#flushSoon(0)
    else if (this.#timer === undefined) this.#flushSoon(behindMs)
  }

  #flushSoon(afterMs: number): void {
    clearTimeout(this.#timer)
    // It keeps the process alive, so that files are not left behind by an end in silence.
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      void this.#flush(false)
    }, afterMs)
  }

  /** Never rejects: what is not written stays in the journal. */
  async #flush(isInTurn: boolean): Promise<void> {
    const owner = this.#owner
    if (!owner || owner.pending === 0) return
    try {
      const rotate = async () => (this.#owner === owner && owner.isOwner ? owner.rotate() : undefined)
      const through = isInTurn ? await rotate() : await this.#inTurn(rotate)
      if (through === undefined) return
      await owner.writeFiles(through)
      this.#failures = 0
      if (owner.pending > 0 && this.#owner === owner && this.#timer === undefined) this.#flushSoon(behindMs)
    } catch (error) {
      this.#flushFailed(owner, error)
    }
  }

  #flushFailed(owner: Owner, error: unknown): void {
    if (this.#owner !== owner || owner.isLost()) return
    const where = this.folder
    const why = error instanceof Error ? error.message.split(',')[0] : String(error)
    this.#place.warn(
      'FILES_BEHIND',
      `Record files in ${where} could not be written (${why}). Nothing is lost, the journal holds it; but Baileys' own function would not see it. Look at the disk and at permissions.`,
    )
    this.#failures++
    if (this.#failures < attemptsInBackground) this.#flushSoon(behindMs * 2 ** this.#failures)
  }

  async #letGo(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const owner = this.#owner
    this.#owner = undefined
    await owner?.end()
  }

  async #readFromDisk(asked: readonly string[]): Promise<(string | undefined)[]> {
    for (let attempt = 0; attempt < 1000; attempt++) {
      try {
        const texts = await this.#snapshot(await findState(this.#place), asked)
        if (texts) return asked.map(name => texts.get(name))
      } catch (error) {
        if (!(error instanceof Moved)) throw error
      }
      if (attempt > 3) await delay(Math.random() * Math.min(attempt, 20))
    }
    throw this.#restless('READ_FAILED')
  }

  /** The texts in this state; `undefined` where it moved on while they were read. */
  async #snapshot(
    state: State | undefined,
    asked: readonly string[],
  ): Promise<Map<string, string | undefined> | undefined> {
    const place = this.#place
    if (asked.length === 0 || state?.kind === 'gone') return new Map()
    const head = state && (await readHead(place, state))
    if (state && !head) return undefined
    const records = asked.filter(name => name !== fenceName)
    const fence = [fenceName, head?.fence] as const
    if (records.length === 0) return new Map([fence])
    const folder = state && join(place.home, state.name)
    const first = state && folder ? (await journalsIn(place, folder, state.base))[0]?.path : undefined
    const texts = await readTexts(await loadPlacement(place), records)
    // Journals are cut from the oldest on: while that one is there, all that files had not yet is in a journal.
    const replay = state && folder ? await replayJournals(place, folder, state.base) : nothing
    const now = await findState(place)
    if (now?.name !== state?.name || (first !== undefined && replay.paths[0] !== first)) return undefined
    if (!isChangedByOthers(replay, texts)) {
      for (const name of records) if (replay.overlay.has(name)) texts.set(name, replay.overlay.get(name))
    }
    return texts.set(...fence)
  }

  /** What is there from beginning to end, at least. */
  async #names(): Promise<Set<string>> {
    for (let attempt = 0; attempt < 1000; attempt++) {
      try {
        const found = await this.#namesNow()
        if (found) return found
      } catch (error) {
        if (!(error instanceof Moved)) throw error
      }
    }
    throw this.#restless('READ_FAILED')
  }

  async #namesNow(): Promise<Set<string> | undefined> {
    const { fs, folder, home } = this.#place
    const state = await findState(this.#place)
    if (state?.kind === 'gone') return new Set()
    const journals = async () =>
      state
        ? (await replayJournals(this.#place, join(home, state.name), state.base)).overlay
        : nothing.overlay
    const head = state && (await readHead(this.#place, state))
    if (state && !head) return undefined
    const before = await journals()
    const found = new Set(head?.fence === undefined ? [] : [fenceName])
    const files = folder === undefined ? undefined : await ifPresent(fs.readFolder(folder))
    for (const file of files ?? []) {
      const record = recordOfFile(file)
      if (record !== undefined && baileysFileName(record) === file) found.add(record)
    }
    for (const file of (await ifPresent(fs.readFolder(join(home, 'kept')))) ?? []) {
      const bytes = await ifPresent(fs.readFile(join(home, 'kept', file)))
      if (bytes) found.add(recordOfKept(bytes.toString()))
    }
    for (const overlay of [before, await journals()]) {
      for (const [name, text] of overlay) {
        if (text === undefined) found.delete(name)
        else found.add(name)
      }
    }
    const now = await findState(this.#place)
    return now?.name === state?.name ? found : undefined
  }

  #restless(code: 'READ_FAILED' | 'WRITE_FAILED'): Error {
    return trouble(
      code,
      `${this.#place.home} kept changing hands, or lacks the file that says who owns it. Look whether two programs write it, or restore it from a backup.`,
    )
  }
}

function names(guards: readonly Guard[]): string[] {
  return guards.map(({ name }) => name)
}

function allHold(guards: readonly Guard[], texts: ReadonlyMap<string, string | undefined>): boolean {
  return guards.every(({ name, value }) => texts.get(name) === value)
}
