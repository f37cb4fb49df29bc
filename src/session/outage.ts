import { AuthStateError, isAuthStateError } from '../errors.ts'
import type { Store } from '../store.ts'
import { isTimeout, monotonicMs, sleep, withTimeout } from './clock.ts'

const firstDelayMs = 50
const longestDelayMs = 2_000
const probeEveryMs = 1_000
const longestProbeMs = 5_000
const longestAttemptMs = 30_000

/**
 * How long a store has not answered, across calls: `forMs` counts from the start of the first attempt that failed,
 * and ends with the first that succeeds. After it, calls fail at once, but for one attempt a second that finds out
 * whether the store is back: Baileys itself repeats a failed commit ten times, and ten full waits in a row would
 * hold its message mutex for minutes.
 */
export class Outage {
  readonly #forMs: number
  #since: number | undefined
  #lastTriedAt = Number.NEGATIVE_INFINITY
  #failures = 0
  #lastError: unknown

  constructor(forMs: number) {
    this.#forMs = forMs
  }

  /** Whether any attempt has failed since the last that succeeded. */
  get isOn(): boolean {
    return this.#since !== undefined
  }

  /** Whether it has lasted so long that nobody waits for its end any more. */
  get isTooLong(): boolean {
    return this.#since !== undefined && monotonicMs() - this.#since >= this.#forMs
  }

  /** What the last failed attempt failed with. */
  get lastError(): unknown {
    return this.#lastError
  }

  /**
   * How long one attempt may take that begins now: one that hangs must leave time for another, and end when the
   * caller's patience does: nothing is left then. One that is made although that has ended is a probe, with time of its
   * own. Which of the two it is, the caller says: patience may end between any two looks at the clock.
   */
  attemptMs({ isProbe }: { readonly isProbe: boolean }): number {
    if (this.#forMs === 0) return probeEveryMs
    const fullMs = Math.min(Math.max(this.#forMs / 3, Math.min(this.#forMs, probeEveryMs)), longestAttemptMs)
    return Math.min(fullMs, isProbe ? longestProbeMs : this.#leftMs)
  }

  /** True for one caller a second, which may then try although {@link isTooLong}. */
  mayProbe(): boolean {
    if (monotonicMs() - this.#lastTriedAt < probeEveryMs) return false
    this.#lastTriedAt = monotonicMs()
    return true
  }

  failed(startedAt: number, error: unknown): void {
    this.#since ??= startedAt
    this.#lastTriedAt = monotonicMs()
    // An answer says more than that there was none, which may be since the last attempt had little time.
    if (this.#lastError === undefined || !isTimeout(error)) this.#lastError = error
    this.#failures += 1
  }

  ended(): void {
    this.#since = undefined
    this.#lastError = undefined
    this.#failures = 0
  }

  /**
   * How long to wait before the next attempt: twice as long each time, up to two seconds, with half of it jitter, and
   * no longer than the caller's patience, unless what comes is a probe.
   */
  nextDelayMs({ isProbe }: { readonly isProbe: boolean }): number {
    const delayMs =
      Math.min(firstDelayMs * 2 ** (this.#failures - 1), longestDelayMs) * (0.5 + Math.random() / 2)
    return isProbe ? delayMs : Math.min(delayMs, this.#leftMs)
  }

  /** How much of `forMs` is left. */
  get #leftMs(): number {
    return this.#since === undefined ? this.#forMs : this.#since + this.#forMs - monotonicMs()
  }
}

class StoreDownError extends Error {}

/**
 * Repeats `attempt` through an outage; it is told how long it may take. One that has lasted too long fails it at once,
 * unless it `insists` on a try: an end that somebody asked for is tried in any case.
 *
 * @throws {@link storeDown} when it lasts too long; what {@link isFinal} calls final at once
 */
export async function persist<T>(
  store: Store,
  outage: Outage,
  attempt: (limitMs: number) => Promise<T>,
  { insists }: { readonly insists: boolean } = { insists: false },
): Promise<T> {
  let isProbe = outage.isTooLong
  if (isProbe && !insists && !outage.mayProbe()) throw storeDown(outage.lastError)
  for (;;) {
    const startedAt = monotonicMs()
    const limitMs = outage.attemptMs({ isProbe })
    if (limitMs <= 0) throw storeDown(outage.lastError)
    isProbe = false
    try {
      const result = await withTimeout(attempt(limitMs), limitMs)
      outage.ended()
      return result
    } catch (error) {
      if (isFinal(store, error)) throw error
      outage.failed(startedAt, error)
      if (outage.isTooLong) throw storeDown(outage.lastError)
    }
    await sleep(outage.nextDelayMs({ isProbe }))
  }
}

/** True for a failure that no repetition cures. */
export function isFinal(store: Store, error: unknown): boolean {
  const isNamed = isAuthStateError(error)
  if (isNamed && !isNameless(error)) return true
  if (store.isPermanent) return store.isPermanent(error)
  if (isNamed) return false
  return typeof error === 'object' && error !== null && 'name' in error && languageErrors.has(error.name)
}

/** Whether a store's error says no more than that its call failed. */
function isNameless({ code }: AuthStateError): boolean {
  return code === 'READ_FAILED' || code === 'WRITE_FAILED'
}

const languageErrors = new Set<unknown>(['TypeError', 'RangeError', 'SyntaxError', 'ReferenceError'])

/** What callers get for an outage that lasted too long. */
export function storeDown(cause: unknown): Error {
  return new StoreDownError('The store does not answer.', { cause })
}

/** True for what {@link storeDown} made. */
export function isStoreDown(error: unknown): boolean {
  return error instanceof StoreDownError
}

/** The error that a caller sees for a failed read or write; those that have a name of their own keep it. */
export function asAuthStateError(
  error: unknown,
  code: 'READ_FAILED' | 'WRITE_FAILED',
  about: { readonly kind: string; readonly session: string },
): AuthStateError {
  const cause = error instanceof StoreDownError ? error.cause : error
  if (isAuthStateError(cause)) {
    if (cause.session !== undefined) return cause
    // A read may fail because a write must land before it, and the other way round: it is the call that has failed.
    const named = isNameless(cause) ? code : cause.code
    return new AuthStateError(named, cause.message, { ...about, cause: cause.cause ?? cause })
  }
  const deed = code === 'READ_FAILED' ? 'read' : 'write'
  const message = isStoreDown(error)
    ? `The ${about.kind} store did not answer a ${deed} of session "${about.session}" (${reason(cause)}). ` +
      'Nothing was lost of what had been acknowledged. Check that the store is up and reachable; calls work again as soon as it is.'
    : `The ${about.kind} store refused a ${deed} of session "${about.session}" for good (${reason(cause)}). ` +
      'Repeating it will not help: see the cause, and mend permissions, space or schema.'
  return new AuthStateError(code, message, { ...about, cause })
}

/** What a log says of a store of ours that did not close. */
export function storeNotClosedMessage(kind: string, error: unknown): string {
  return `The ${kind} store did not close cleanly (${reason(error)}). What was acknowledged is safe.`
}

/** A cause in a few safe words: its code or name, since a driver's message may quote what was being written. */
export function reason(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null) return 'no reason given'
  if ('code' in cause && (typeof cause.code === 'string' || typeof cause.code === 'number'))
    return String(cause.code)
  return 'name' in cause ? String(cause.name) : 'no reason given'
}
