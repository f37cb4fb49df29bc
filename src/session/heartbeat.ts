import { heartbeatName, ownersScope } from '../names.ts'
import type { Change, Guard, Store } from '../store.ts'
import { monotonicMs, withTimeout } from './clock.ts'

const sweepEveryMs = 15 * 60_000
const forgottenAfterMs = 60 * 60_000
const periodsPerTtl = 4

/** What a heartbeat needs of each session that it beats for. */
export interface Heartbeating {
  readonly store: Store
  readonly ttlMs: number
  /** How long one call to the store may take. */
  readonly callMs: number
  /** A beat has landed: if it was late, or somebody took one of the owner's sessions, look whose the session is now. */
  lookAgain(): void
  /** Looks at the fence; resolves when the session is known to be this owner's, or has ended. */
  confirm(): Promise<void>
}

/** How often an owner with this time to live touches its heartbeat, at the least. */
export function heartbeatPeriodMs(ttlMs: number): number {
  return ttlMs / periodsPerTtl
}

/**
 * The sign of life of one owner on one store: one small record, touched a few times in each `ttlMs`, however many
 * sessions the owner has there. Its timer keeps no process alive.
 *
 * It also tells its own sessions when others may have taken them for dead: when a beat lands later than `ttlMs`
 * less one period after the one before (the process was stopped, or the store away), their next read or write waits
 * until they have looked at their fences again.
 */
export class Heartbeat {
  readonly owner: string
  readonly #name: string
  readonly #sessions = new Set<Heartbeating>()
  /** Other owners' heartbeats, and since when each has stood still before our eyes. */
  #others: ReadonlyMap<string, { readonly text: string; readonly since: number }> = new Map()
  readonly #debts = new Set<(store: Store) => Promise<unknown>>()
  #ttlMs = Number.POSITIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #count = 0
  #text: string | undefined
  #sentMonotonic = 0
  #sentWall = 0
  #lapses = 0
  #beating: Promise<void> | undefined
  #sweptAt = Number.NEGATIVE_INFINITY

  constructor(owner: string) {
    this.owner = owner
    this.#name = heartbeatName(owner)
  }

  /** How often the heartbeat has lapsed: a session that saw fewer must look at its fence before it acts. */
  get lapses(): number {
    return this.#lapses
  }

  /** Whether nobody can have taken this owner for dead by now. */
  get isFresh(): boolean {
    if (this.#text === undefined) return false
    const limitMs = this.#ttlMs - heartbeatPeriodMs(this.#ttlMs)
    // The monotonic clock may stand still while a machine sleeps; the wall clock may be set. Either is enough for doubt.
    return monotonicMs() - this.#sentMonotonic <= limitMs && Date.now() - this.#sentWall <= limitMs
  }

  /** Beats for a session from now on; resolves when a beat has landed, which must be before the session's first fence. */
  async join(session: Heartbeating): Promise<void> {
    this.#sessions.add(session)
    const isHurried = session.ttlMs < this.#ttlMs
    this.#ttlMs = shortestTtl(this.#sessions)
    if (!this.isFresh) await this.beat()
    // A timer that runs is left alone: set anew by each of many openers in a row, it would never ring.
    if (isHurried || !this.#timer) this.#schedule()
  }

  /** Stops beating for a session; with the last one the record goes too. */
  async leave(session: Heartbeating): Promise<void> {
    if (!this.#sessions.has(session)) return
    // One that is away is not waited for: a record left behind does no harm, another owner removes it after an hour.
    const isStoreUp = this.isFresh
    this.#sessions.delete(session)
    this.#ttlMs = shortestTtl(this.#sessions)
    if (this.#sessions.size === 0) this.#schedule()
    // A beat may be under way through this session's store, which may be closed next.
    if (isStoreUp) await this.#beating?.catch(() => {})
    const value = this.#text
    if (this.#sessions.size > 0 || value === undefined) return
    this.#text = undefined
    if (isStoreUp) await this.#write(session, undefined, [{ name: this.#name, value }]).catch(() => {})
  }

  /**
   * Runs `pay` after the next beat that lands, and again after later ones until it resolves. For a lease that could
   * not be given up while the store was away: as long as this owner's heart beats, nobody else would take it.
   */
  owe(pay: (store: Store) => Promise<unknown>): void {
    this.#debts.add(pay)
  }

  get isOwing(): boolean {
    return this.#debts.size > 0
  }

  /** Beats now. Throws what the store threw. */
  beat(): Promise<void> {
    this.#beating ??= this.#beat().finally(() => {
      this.#beating = undefined
    })
    return this.#beating
  }

  async #beat(): Promise<void> {
    const [session] = this.#sessions
    if (!session) return
    const last = this.#text
    const monotonic = monotonicMs()
    const wall = Date.now()
    this.#count += 1
    const text = JSON.stringify({ beat: this.#count, at: new Date(wall).toISOString() })
    const guards = last === undefined ? [] : [{ name: this.#name, value: last }]
    const isUntouched = await this.#write(session, text, guards)
    if (!isUntouched) await this.#writeOver(session, text)
    const isLate = last !== undefined && !this.isFresh
    this.#text = text
    this.#sentMonotonic = monotonic
    this.#sentWall = wall
    if (isLate || !isUntouched) this.#lapses += 1
    // At every beat: a look that had no answer is repeated, or an idle session would never learn that it was lost.
    for (const one of this.#sessions) one.lookAgain()
    for (const pay of this.#debts) {
      pay(session.store).then(
        () => this.#debts.delete(pay),
        () => {},
      )
    }
  }

  /**
   * Beats although the record is not as the last beat left it: whoever takes a session from a living owner touches
   * it, so that an idle one notices as well. Where it is gone the data may be: sessions that are gone with it end
   * first, or a beat would make a folder again that a bot has deleted.
   */
  async #writeOver(session: Heartbeating, text: string): Promise<void> {
    const [found] = await this.#timed(session, session.store.read(ownersScope, [this.#name]))
    if (found === undefined) await Promise.all(Array.from(this.#sessions, each => each.confirm()))
    const guards = [{ name: this.#name, value: found }]
    if (this.#sessions.has(session) && (await this.#write(session, text, guards))) return
    throw new Error('The heartbeat is not this one to write.')
  }

  #write(session: Heartbeating, value: string | undefined, guards: readonly Guard[]): Promise<boolean> {
    const changes: Change[] = [{ name: this.#name, value }]
    return this.#timed(session, session.store.write(ownersScope, changes, guards))
  }

  #timed<T>(session: Heartbeating, answer: Promise<T>): Promise<T> {
    // Half the time to live: one beat that gets no answer must leave time for the next.
    const limitMs = Math.min(session.ttlMs / 2, session.callMs)
    return withTimeout(answer, limitMs, { keepsAlive: false })
  }

  #schedule(delayMs: number = heartbeatPeriodMs(this.#ttlMs)): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#sessions.size === 0) return
    this.#timer = setTimeout(() => void this.#tick(), delayMs)
    this.#timer.unref()
  }

  async #tick(): Promise<void> {
    const startedAt = monotonicMs()
    // A store that is away is no news here: the sessions' own calls say so, and a late beat makes them look again.
    await this.beat().catch(() => {})
    const periodMs = heartbeatPeriodMs(this.#ttlMs)
    this.#schedule(Math.max(periodMs - (monotonicMs() - startedAt), periodMs / 4))
    // Not awaited: a listing that hangs must not stop the heart.
    void this.#sweep().catch(() => {})
  }

  /** Removes the heartbeats of owners that died without a word, once each has stood still for an hour before our eyes. */
  async #sweep(): Promise<void> {
    const [session] = this.#sessions
    if (!session || monotonicMs() - this.#sweptAt < sweepEveryMs) return
    this.#sweptAt = monotonicMs()
    const seen = new Map<string, { readonly text: string; readonly since: number }>()
    const forgotten: Guard[] = []
    for await (const page of session.store.list(ownersScope, { prefix: heartbeatName(''), values: true })) {
      for (const { name, value } of page) {
        if (name === this.#name || value === undefined) continue
        const before = this.#others.get(name)
        const since = before?.text === value ? before.since : monotonicMs()
        if (monotonicMs() - since >= forgottenAfterMs) forgotten.push({ name, value })
        else seen.set(name, { text: value, since })
      }
    }
    this.#others = seen
    for (const { name, value } of forgotten) {
      if (!this.#sessions.has(session)) return
      await session.store.write(ownersScope, [{ name, value: undefined }], [{ name, value }])
    }
  }
}

function shortestTtl(sessions: Iterable<Heartbeating>): number {
  let ttlMs = Number.POSITIVE_INFINITY
  for (const session of sessions) ttlMs = Math.min(ttlMs, session.ttlMs)
  return ttlMs
}
