import { AuthStateError } from '../errors.ts'
import type { Change } from '../store.ts'
import { monotonicMs, sleep } from './clock.ts'
import { type Outage, storeDown } from './outage.ts'

/** One caller's changes: they land together, after those of every call before. */
interface Call {
  readonly changes: readonly Change[]
  readonly bytes: number
  /** Creds outlast an outage however long it is; other calls give up with it. */
  readonly outlastsOutage: boolean
  readonly landed: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
  /** After a batch was refused for good: lands by itself, so that one bad call fails alone. */
  isAlone: boolean
}

/** For so long batches may follow each other in one turn of the event loop. */
const longTurnMs = 10

/** What a queue needs of the session that it works for. */
export interface WriteQueueOptions {
  readonly batchBytes: number
  readonly batchRemedy: string | undefined
  readonly outage: Outage
  /** Tries once to land a batch, for so long. Resolves when it is durable; rejects otherwise. */
  readonly attempt: (changes: readonly Change[], limitMs: number) => Promise<void>
  /** Whether a rejection of `attempt` is certain and final; otherwise its outcome is unknown and it is repeated. */
  readonly isFinal: (error: unknown) => boolean
  /** Called as soon as a call's changes are queued, before anything else can run. */
  readonly onQueued: (changes: readonly Change[]) => void
  readonly onLanded: (changes: readonly Change[]) => void
  /** The outcome is unknown; called before each wait for another attempt. `isFirst`: the outage begins. */
  readonly onUnknown: (changes: readonly Change[], error: unknown, isFirst: boolean) => void
  /** Makes what callers see of a failure. */
  readonly describe: (error: unknown) => AuthStateError
}

/**
 * Lands changes in call order. A batch starts when the callback in which its first change came is through, and what
 * followed from it by promises and ticks, so that creds emitted inside a key transaction land together with those keys;
 * while one is in flight, later changes gather into the next, so that the cost of a change falls as load rises.
 *
 * It does not wait for the end of the event loop's turn: a bot with much to do has other messages to decrypt in it, and
 * the one that waits for its keys would wait for those. Only a turn that batches have already made long is ended: a store
 * that never leaves it would else keep timers and sockets from theirs while somebody sets one record after another.
 */
export class WriteQueue {
  readonly #options: WriteQueueOptions
  readonly #lastByName = new Map<string, Call>()
  #calls: Call[] = []
  #inFlight: readonly Call[] = []
  #isRunning = false
  /** When the first batch of this turn of the event loop began. */
  #firstInTurnAt: number | undefined
  /** The next attempt is made to find out whether the store is back, for a call that came after an outage's time. */
  #isProbing = false
  #isEnding = false
  #end: AuthStateError | undefined
  readonly #wake = new AbortController()

  constructor(options: WriteQueueOptions) {
    this.#options = options
  }

  /** Queues changes; resolves when they have landed. */
  push(changes: readonly Change[], outlastsOutage: boolean): Promise<void> {
    if (this.#end) return Promise.reject(this.#end)
    const { outage, batchBytes: limit, batchRemedy, describe } = this.#options
    const bytes = batchBytes(changes)
    if (bytes > limit) return Promise.reject(describe(tooLarge(bytes, limit, batchRemedy)))
    if (!outlastsOutage && outage.isTooLong) {
      if (this.#isRunning || !outage.mayProbe()) return Promise.reject(describe(storeDown(outage.lastError)))
      this.#isProbing = true
    }
    const { promise, resolve, reject } = withResolvers()
    const call: Call = { changes, bytes, outlastsOutage, landed: promise, resolve, reject, isAlone: false }
    for (const { name } of changes) this.#lastByName.set(name, call)
    this.#calls.push(call)
    this.#options.onQueued(changes)
    if (!this.#isRunning) {
      this.#isRunning = true
      void this.#run()
    }
    return promise
  }

  /** Resolves when the record has no change under way any more, landed or not; `undefined` where it has none now. */
  whenSettled(name: string): Promise<void> | undefined {
    return this.#lastByName.get(name)?.landed.catch(() => {})
  }

  /** Resolves when no such record has a change under way that was queued so far, landed or not. */
  async whenAllSettled(isAsked: (name: string) => boolean): Promise<void> {
    const names = Array.from(this.#lastByName.keys()).filter(isAsked)
    await Promise.all(names.map(name => this.whenSettled(name)))
  }

  /** Waits until nothing queued so far is under way any more. @throws the first failure among it */
  async flush(): Promise<void> {
    const outcomes = await Promise.allSettled([...this.#inFlight, ...this.#calls].map(call => call.landed))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }

  /** From here on even creds give up when an outage lasts too long: somebody waits for the end. */
  stopOutlasting(): void {
    this.#isEnding = true
    if (this.#options.outage.isTooLong) this.#giveUp(this.#options.outage.lastError)
  }

  /** Rejects all that has not landed, and whatever comes later. */
  end(error: AuthStateError): void {
    this.#end ??= error
    this.#wake.abort()
    for (const call of [...this.#inFlight, ...this.#calls]) this.#settle(call, error)
    this.#calls = []
  }

  async #run(): Promise<void> {
    while (this.#calls.length > 0 && !this.#end) {
      await this.#gathered()
      if (this.#end) break
      const { outage, attempt } = this.#options
      const isTooLong = outage.isTooLong
      if (isTooLong && !this.#isProbing) this.#giveUp(outage.lastError)
      this.#isProbing = false
      this.#inFlight = this.#take()
      if (this.#inFlight.length === 0) continue
      const changes = mergeChanges(this.#inFlight)
      const startedAt = monotonicMs()
      try {
        await attempt(changes, outage.attemptMs({ isProbe: isTooLong }))
        if (this.#end) break
        outage.ended()
        this.#options.onLanded(changes)
        for (const call of this.#inFlight) this.#settle(call)
      } catch (error) {
        if (this.#end) break
        if (this.#options.isFinal(error)) this.#refused(error)
        else await this.#retryLater(changes, startedAt, error)
      }
      this.#inFlight = []
    }
    this.#inFlight = []
    this.#isRunning = false
  }

  /** Resolves when a batch may start. */
  async #gathered(): Promise<void> {
    const isLongTurn = this.#firstInTurnAt !== undefined && monotonicMs() - this.#firstInTurnAt >= longTurnMs
    await (isLongTurn ? endOfTurn() : endOfCallback())
    if (this.#firstInTurnAt !== undefined) return
    this.#firstInTurnAt = monotonicMs()
    setImmediate(() => {
      this.#firstInTurnAt = undefined
    })
  }

  #refused(error: unknown): void {
    const [only, ...others] = this.#inFlight
    if (only && others.length === 0) {
      this.#settle(only, this.#options.describe(error))
      return
    }
    for (const call of this.#inFlight) call.isAlone = true
    this.#calls.unshift(...this.#inFlight)
  }

  async #retryLater(changes: readonly Change[], startedAt: number, error: unknown): Promise<void> {
    const { outage, onUnknown } = this.#options
    const isFirst = !outage.isOn
    outage.failed(startedAt, error)
    this.#calls.unshift(...this.#inFlight)
    this.#inFlight = []
    onUnknown(changes, error, isFirst)
    const isTooLong = outage.isTooLong
    if (isTooLong) this.#giveUp(outage.lastError)
    if (this.#calls.length === 0) return
    await sleep(outage.nextDelayMs({ isProbe: isTooLong }), this.#wake.signal)
  }

  #giveUp(error: unknown): void {
    const stays = (call: Call) => call.outlastsOutage && !this.#isEnding
    const leaving = this.#calls.filter(call => !stays(call))
    this.#calls = this.#calls.filter(stays)
    for (const call of leaving) this.#settle(call, this.#options.describe(storeDown(error)))
  }

  #settle(call: Call, error?: AuthStateError): void {
    for (const { name } of call.changes) {
      if (this.#lastByName.get(name) === call) this.#lastByName.delete(name)
    }
    if (error) call.reject(error)
    else call.resolve()
  }

  #take(): readonly Call[] {
    let bytes = 0
    let count = 0
    for (const call of this.#calls) {
      bytes += call.bytes
      if (count > 0 && (call.isAlone || bytes > this.#options.batchBytes)) break
      count += 1
      if (call.isAlone) break
    }
    return this.#calls.splice(0, count)
  }
}

function endOfTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

/** Ticks run when no promise job is left; the second round is for what a tick sets off. */
async function endOfCallback(): Promise<void> {
  for (let round = 0; round < 2; round++) {
    await undefined
    await new Promise<void>(resolve => process.nextTick(resolve))
  }
}

/** The calls' changes as one batch, each record once, the last change of it winning. */
function mergeChanges(calls: readonly Call[]): readonly Change[] {
  const [only, ...others] = calls
  if (only && others.length === 0) return only.changes
  const byName = new Map<string, Change>()
  for (const call of calls) for (const change of call.changes) byName.set(change.name, change)
  return Array.from(byName.values())
}

/** What a batch counts against a store's limit. */
export function batchBytes(changes: readonly Change[]): number {
  const bytes = ({ name, value }: Change) =>
    name.length + (value === undefined ? 0 : Buffer.byteLength(value))
  return changes.reduce((sum, change) => sum + bytes(change), 0)
}

function tooLarge(bytes: number, limit: number, remedy: string | undefined): AuthStateError {
  const orElse = remedy === undefined ? '' : `, or ${remedy}`
  return new AuthStateError(
    'BATCH_TOO_LARGE',
    `One change of ${bytes} bytes is more than the ${limit} that this store lands in one piece. Set fewer records at once${orElse}.`,
  )
}

function withResolvers(): { promise: Promise<void>; resolve: () => void; reject: (error: unknown) => void } {
  let resolve: () => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}
