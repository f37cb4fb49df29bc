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
  /** The heartbeat was late, or somebody took one of the owner's sessions: look whose the session is now. */
  lookAgain(): void
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
  readonly #others = new Map<string, { readonly text: string; readonly since: number }>()
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
    this.#ttlMs = shortestTtl(this.#sessions)
    if (!this.isFresh) await this.beat()
    this.#schedule()
  }

  /** Stops beating for a session; with the last one the record goes too. */
  async leave(session: Heartbeating): Promise<void> {
    if (!this.#sessions.delete(session)) return
    this.#ttlMs = shortestTtl(this.#sessions)
    if (this.#sessions.size > 0) return
    clearTimeout(this.#timer)
    await this.#beating?.catch(() => {})
    const value = this.#text
    if (this.#sessions.size > 0 || value === undefined) return
    this.#text = undefined
    // Left behind it does no harm: another owner removes it when it has stood still for an hour.
    await this.#write(session, undefined, [{ name: this.#name, value }]).catch(() => {})
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
    const isUntouched = await this.#write(
      session,
      text,
      last === undefined ? [] : [{ name: this.#name, value: last }],
    )
    // Whoever takes a session from a living owner touches its heartbeat, so that an idle one notices as well.
    if (!isUntouched) await this.#write(session, text, [])
    const isLate = last !== undefined && !this.isFresh
    this.#text = text
    this.#sentMonotonic = monotonic
    this.#sentWall = wall
    if (isLate || !isUntouched) this.#lapse()
  }

  #lapse(): void {
    this.#lapses += 1
    for (const session of this.#sessions) session.lookAgain()
  }

  #write(session: Heartbeating, value: string | undefined, guards: readonly Guard[]): Promise<boolean> {
    const changes: Change[] = [{ name: this.#name, value }]
    return withTimeout(session.store.write(ownersScope, changes, guards), session.ttlMs)
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    if (this.#sessions.size === 0) return
    this.#timer = setTimeout(() => {
      // A store that is away is no news here: the sessions' own calls say so, and a late beat makes them look again.
      this.beat()
        .then(() => this.#sweep())
        .catch(() => {})
        .finally(() => this.#schedule())
    }, heartbeatPeriodMs(this.#ttlMs))
    this.#timer.unref()
  }

  /** Removes the heartbeats of owners that died without a word, once each has stood still for an hour before our eyes. */
  async #sweep(): Promise<void> {
    const [session] = this.#sessions
    if (!session || monotonicMs() - this.#sweptAt < sweepEveryMs) return
    this.#sweptAt = monotonicMs()
    for await (const page of session.store.list(ownersScope, { prefix: heartbeatName(''), values: true })) {
      for (const { name, value } of page) {
        if (name === this.#name || value === undefined) continue
        const seen = this.#others.get(name)
        if (seen?.text !== value) this.#others.set(name, { text: value, since: monotonicMs() })
        else if (monotonicMs() - seen.since >= forgottenAfterMs) {
          this.#others.delete(name)
          await session.store.write(ownersScope, [{ name, value: undefined }], [{ name, value }])
        }
      }
    }
  }
}

function shortestTtl(sessions: Iterable<Heartbeating>): number {
  let ttlMs = Number.POSITIVE_INFINITY
  for (const session of sessions) ttlMs = Math.min(ttlMs, session.ttlMs)
  return ttlMs
}
