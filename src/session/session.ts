import { setMaxListeners } from 'node:events'
import type { AuthenticationCreds } from '../auth-types.ts'
import { type AuthStateError, isAuthStateError } from '../errors.ts'
import type { Log } from '../log.ts'
import { credsName, isReserved } from '../names.ts'
import type { Change, Entry, Store } from '../store.ts'
import { monotonicMs, withTimeout } from './clock.ts'
import { CredsRecord } from './creds-record.ts'
import type { Heartbeating } from './heartbeat.ts'
import type { Lease, Ownership } from './lease.ts'
import type { SessionSettings } from './open-session.ts'
import {
  asAuthStateError,
  isFinal,
  isStoreDown,
  Outage,
  persist,
  reason,
  storeNotClosedMessage,
} from './outage.ts'
import type { RecordCache } from './record-cache.ts'
import { RecordReader } from './record-reader.ts'
import { type Domain, releaseDomain } from './registry.ts'
import { type SessionErrors, sessionErrors } from './session-errors.ts'
import { Tenure } from './tenure.ts'
import { WriteQueue } from './write-queue.ts'

/** What an open session is made of. */
export interface SessionParts {
  readonly settings: SessionSettings
  readonly domain: Domain
  readonly lease: Lease
  readonly member: Heartbeating
  readonly lapses: number
  /** Live: Baileys changes it in place. */
  readonly creds: AuthenticationCreds
  /** The stored creds' text; `undefined` for a session that has none yet. */
  readonly storedCreds: string | undefined
  /** Of what the session holds; filled already, or empty. */
  readonly cache: RecordCache
}

/**
 * One open session, which every handle of this process shares: its creds, its reads and its writes, in order, under
 * its lease. What it promises is in the conformance suite; how, in the parts that it joins.
 */
export class Session {
  readonly name: string
  readonly kind: string
  readonly scope: string
  /** How much one change may hold. */
  readonly batchBytes: number
  readonly creds: AuthenticationCreds
  /** Resolves when nothing of the session is left in this process. */
  readonly gone: Promise<void>
  readonly #parts: SessionParts
  readonly #store: Store
  readonly #log: Log
  readonly #lease: Lease
  readonly #tenure: Tenure
  readonly #creds: CredsRecord
  readonly #errors: SessionErrors
  readonly #queue: WriteQueue
  readonly #cache: RecordCache
  readonly #reader: RecordReader
  readonly #reads: Outage
  readonly #writes: Outage
  readonly #controller = new AbortController()
  #resolveGone: () => void = () => {}
  #newest = 0
  #active = 0
  #closing: Promise<void> | undefined
  #removing: Promise<void> | undefined
  /** Whether somebody asked for its removal, whatever came of that. */
  #isDoomed = false
  #end: AuthStateError | undefined

  constructor(parts: SessionParts) {
    const { settings, lease, creds } = parts
    const { store, scope, retryForMs } = settings
    this.#parts = parts
    this.#store = store
    this.#log = settings.log
    this.name = settings.session
    this.kind = store.kind
    this.batchBytes = store.limits.batchBytes
    this.scope = scope
    this.creds = creds
    this.#creds = new CredsRecord(creds, parts.storedCreds)
    this.#errors = sessionErrors(this.kind, this.name)
    this.#lease = lease
    this.#tenure = new Tenure({
      lease,
      heartbeat: parts.domain.heartbeat,
      lapses: parts.lapses,
      judge: ownership => this.#own(ownership),
    })
    this.#reads = new Outage(retryForMs)
    this.#writes = new Outage(retryForMs)
    this.#cache = parts.cache
    this.#reader = new RecordReader(
      { limit: store.limits.readNames, read: names => this.#read(() => store.read(scope, names)) },
      this.#cache,
    )
    this.#queue = new WriteQueue({
      batchBytes: this.batchBytes,
      batchRemedy: store.limits.batchRemedy,
      outage: this.#writes,
      attempt: (changes, limitMs) => this.#attempt(changes, limitMs),
      isFinal: error => isFinal(store, error),
      onQueued: changes => {
        for (const { name: record } of changes) this.#reader.forget(record)
      },
      onLanded: changes => this.#landed(changes),
      onUnknown: (changes, error, isFirst) => this.#unknown(changes, error, isFirst),
      describe: error => this.#describeWrite(error),
    })
    // Every socket that the session outlives leaves a listener or two.
    setMaxListeners(0, this.signal)
    this.gone = new Promise(resolve => {
      this.#resolveGone = resolve
    })
  }

  /** Aborts when the session can't go on: its lease is lost, the store refuses it for good, or it was removed or closed. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Whether somebody in this process closed or removed it: its end is no news to its owner. */
  get isEndAskedFor(): boolean {
    return this.#closing !== undefined || this.#isDoomed
  }

  /** A new handle's number. The first change through it retires all that are older. */
  newHandle(): number {
    this.#newest += 1
    return this.#newest
  }

  /** The options of a later call for this session that are other than those that it was opened with. */
  differencesFrom(later: SessionSettings): readonly string[] {
    const { settings } = this.#parts
    const pairs: readonly (readonly [string, unknown, unknown])[] = [
      ['lease.ttlMs', settings.lease.ttlMs, later.lease.ttlMs],
      ['retry.forMs', settings.retryForMs, later.retryForMs],
      ['cache.maxBytes', settings.cache.maxBytes, later.cache.maxBytes],
      ['durability', settings.store.durability, later.store.durability],
    ]
    return pairs.filter(([, mine, other]) => mine !== other).map(([name]) => name)
  }

  /** The texts of records, in order; one lookup for all that are not cached. */
  async readAll(names: readonly string[]): Promise<(string | undefined)[]> {
    if (this.#end) throw this.#end
    if (!this.#tenure.isSure) await this.#read(async () => {})
    const texts: (string | undefined)[] = []
    const waits: Promise<void>[] = []
    for (const [index, name] of names.entries()) {
      const text = this.#readOne(name)
      if (typeof text !== 'object') texts[index] = text
      else {
        const wait = text.then(arrived => {
          texts[index] = arrived
        })
        waits.push(wait)
      }
    }
    if (waits.length > 0) await Promise.all(waits)
    return texts
  }

  /** Queues changes in one piece; resolves when they are durable. */
  write(handle: number, changes: readonly Change[]): Promise<void> {
    const refusal = this.#refusal(handle)
    if (refusal) return Promise.reject(refusal)
    this.#active = handle
    return changes.length === 0 ? Promise.resolve() : this.#queue.push(changes, false)
  }

  /** Queues the creds as they are now; stays pending through any outage. */
  async saveCreds(handle: number): Promise<void> {
    const refusal = this.#refusal(handle)
    if (refusal) throw refusal
    try {
      await this.#pushCreds(handle)
    } catch (error) {
      // Baileys waits for no save, so that nobody else would hear of it; the end of the session has said so itself.
      if (!this.#end && !this.#isDoomed) this.#logFailedSave(error)
      throw error
    }
  }

  /** Resolves when everything changed so far has landed. */
  async flush(): Promise<void> {
    if (this.#end) throw this.#end
    await this.#queue.flush()
  }

  /** The records whose names begin with `prefix`, each once, after all that was changed before has landed; not the creds. */
  async *list(prefix: string, values: boolean): AsyncGenerator<Entry, void, void> {
    await this.#queue.whenAllSettled(name => name.startsWith(prefix) && name !== credsName)
    const given = new Set<string>()
    let pages: AsyncIterator<readonly Entry[]> | undefined
    // Not awaited: one that hangs in a page would hang in this as well.
    const finish = () => void pages?.return?.().catch(() => {})
    try {
      for (;;) {
        const page = await this.#read(async limitMs => {
          pages ??= this.#store.list(this.scope, { prefix, values })[Symbol.asyncIterator]()
          try {
            return await withTimeout(pages.next(), limitMs)
          } catch (error) {
            // A listing can't go on where it broke off: it begins again, and leaves out what it has given.
            finish()
            pages = undefined
            throw error
          }
        })
        if (page.done) return
        for (const entry of page.value) {
          if (isReserved(entry.name) || entry.name === credsName || given.has(entry.name)) continue
          given.add(entry.name)
          yield entry
        }
      }
    } finally {
      finish()
    }
  }

  /** A new handle's number, if the session is still this process's own by what its fence says now; else it ends. */
  async join(): Promise<number | undefined> {
    await (this.#closing ?? this.#removing)?.catch(() => {})
    // A removal that failed, or a write that was refused for good, has left it half dead: whoever opens it gets a new one.
    if (this.signal.aborted || this.#isDoomed) await this.close(this.#newest).catch(() => {})
    if (this.#end) return undefined
    try {
      await this.#persist(() => this.#tenure.look())
    } catch (error) {
      if (this.#end) return undefined
      throw error
    }
    return this.#closing || this.#removing ? this.join() : this.newHandle()
  }

  /** Lands what is pending and gives the session up. An older handle than the newest only lands what is pending. */
  close(handle: number): Promise<void> {
    if (this.#end) return this.gone
    if (handle < this.#newest) return this.#queue.flush()
    if (this.#removing) return this.#removing.catch(() => this.close(handle))
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Removes the session for good: late writes are refused, and nothing of it rises again. May be repeated when it failed. */
  remove(handle: number): Promise<void> {
    if (this.#end?.code === 'SESSION_REMOVED') return this.gone
    const refusal = this.#isDoomed ? this.#end : this.#refusal(handle)
    if (refusal) return Promise.reject(refusal)
    this.#isDoomed = true
    this.#removing ??= this.#remove().catch(error => {
      this.#removing = undefined
      throw error
    })
    return this.#removing
  }

  /** A beat has landed: if it was late, or startled, whose is the session now? */
  lookAgain(): void {
    if (this.#end) return
    this.#tenure.hold().catch(() => {
      // Lost: the session has ended and said so. No answer: the next read or write asks again.
    })
  }

  /** Looks at the fence, and ends the session if it is not ours any more. Throws what the store threw. */
  async confirm(): Promise<void> {
    try {
      await this.#tenure.look()
    } catch (error) {
      if (!this.#end) throw error
    }
  }

  async #pushCreds(handle: number): Promise<void> {
    if (this.#creds.wouldUnpair) throw this.#errors.unpaired()
    this.#active = handle
    const change = this.#creds.change()
    if (this.#creds.isStoredAs(change.value) && !this.#queue.whenSettled(credsName)) return
    this.#creds.queued()
    await this.#queue.push([change], true)
  }

  #logFailedSave(error: unknown): void {
    if (isAuthStateError(error)) this.#log.error(error.code, error.message, error)
    else {
      const message = `The creds of session "${this.name}" can't be saved: they hold what JSON can't carry. See the TypeError that saveCreds() rejects with.`
      this.#log.error('CREDS_NOT_ENCODED', message, error)
    }
  }

  /** A record's text, at once where it is cached; one that is being changed is waited for. */
  #readOne(name: string): Promise<string | undefined> | string | undefined {
    const settled = this.#queue.whenSettled(name)
    if (!settled) return this.#reader.get(name)
    return settled.then(() => {
      if (this.#end) throw this.#end
      // The next change may be in flight: what is read beside it could enter the cache after it.
      return this.#cache.get(name) === undefined ? this.#readOne(name) : this.#reader.get(name)
    })
  }

  /** Runs a read through an outage, once the session is surely ours and no write in doubt. */
  #read<T>(read: (limitMs: number) => Promise<T>): Promise<T> {
    return this.#persist(async limitMs => {
      if (this.#end) throw this.#end
      await this.#tenure.beSure()
      return await read(limitMs)
    })
  }

  async #persist<T>(attempt: (limitMs: number) => Promise<T>): Promise<T> {
    try {
      return await persist(this.#store, this.#reads, attempt)
    } catch (error) {
      throw this.#end ?? asAuthStateError(error, 'READ_FAILED', { kind: this.kind, session: this.name })
    }
  }

  /** Tries once to land a batch. */
  async #attempt(changes: readonly Change[], limitMs: number): Promise<void> {
    const endsAt = monotonicMs() + limitMs
    await withTimeout(this.#tenure.beSure(), limitMs)
    for (const batch of this.#creds.joinTo(changes, this.batchBytes))
      await this.#land(batch, endsAt - monotonicMs())
  }

  async #land(batch: readonly Change[], limitMs: number): Promise<void> {
    const answer = this.#store.write(this.scope, batch, this.#lease.guards)
    const hasLanded = await withTimeout(answer, limitMs).catch(error => {
      if (!isFinal(this.#store, error)) this.#lease.doubt()
      throw error
    })
    if (!hasLanded) {
      await this.#tenure.look()
      throw new Error('The guard did not hold, and yet the fence is ours.')
    }
    this.#creds.landed(batch)
  }

  #landed(changes: readonly Change[]): void {
    this.#cache.setAll(changes.filter(({ name }) => name !== credsName))
  }

  #unknown(changes: readonly Change[], error: unknown, isFirst: boolean): void {
    for (const { name } of changes) this.#cache.drop(name)
    if (!isFirst) return
    const message = `The ${this.kind} store did not take a write of session "${this.name}" (${reason(error)}); it is repeated.`
    // Not the driver's error itself: what it quotes, or has in its properties, may be what was being written.
    this.#log.warn('WRITE_RETRIED', message)
  }

  #describeWrite(error: unknown): AuthStateError {
    if (this.#end) return this.#end
    const described = asAuthStateError(error, 'WRITE_FAILED', { kind: this.kind, session: this.name })
    // What the store refuses today it will refuse tomorrow: a bot that goes on receiving would lose what it receives.
    if (described.code !== 'BATCH_TOO_LARGE' && !isStoreDown(error)) this.#controller.abort(described)
    return described
  }

  #refusal(handle: number): AuthStateError | undefined {
    if (this.#end) return this.#end
    if (this.#isDoomed) return this.#errors.removed()
    if (this.#closing) return this.#errors.closed()
    if (handle < this.#active) return this.#errors.retired()
    return undefined
  }

  /** Ends the session if it is not ours any more. @throws AuthStateError then */
  #own(ownership: Ownership): void {
    if (this.#end) throw this.#end
    if (ownership === 'mine') return
    const error = ownership === 'gone' ? this.#errors.removed() : this.#errors.lost(ownership.takenBy)
    this.#finish(error)
    if (!this.#isDoomed) this.#log.error(error.code, error.message)
    throw error
  }

  async #close(): Promise<void> {
    this.#queue.stopOutlasting()
    try {
      await this.#queue.flush()
    } finally {
      // Also when something could not land: a lease that is kept for nobody keeps everybody else out.
      await this.#letGo().finally(() => this.#finish(this.#errors.closed()))
      await this.gone
    }
  }

  async #letGo(): Promise<void> {
    if (this.#end) return
    try {
      // False: somebody else's already, or this very release has landed before.
      await persist(this.#store, this.#writes, () => this.#lease.release(), { insists: true })
    } catch (error) {
      this.#parts.domain.heartbeat.owe(through => this.#lease.release(through))
      throw this.#end ?? asAuthStateError(error, 'WRITE_FAILED', { kind: this.kind, session: this.name })
    }
  }

  async #remove(): Promise<void> {
    const removed = this.#errors.removed()
    this.#queue.end(removed)
    try {
      const attempt = async () => {
        if (await this.#store.remove(this.scope, this.#lease.guards)) return
        const ownership = await this.#lease.look()
        if (ownership === 'gone') return
        this.#own(ownership)
        throw new Error('The token changed while the removal was under way.')
      }
      await persist(this.#store, this.#writes, attempt, { insists: true })
    } catch (error) {
      const failure =
        this.#end ?? asAuthStateError(error, 'WRITE_FAILED', { kind: this.kind, session: this.name })
      if (failure.code !== 'SESSION_REMOVED') throw failure
    }
    this.#finish(removed)
    await this.gone
  }

  #finish(error: AuthStateError): void {
    if (this.#end) return
    this.#end = error
    const { domain, member, settings } = this.#parts
    this.#queue.end(error)
    this.#cache.retire()
    this.#lease.forget()
    const slot = domain.slots.get(this.scope)
    if (slot && 'session' in slot && slot.session === this) domain.slots.delete(this.scope)
    this.#controller.abort(error)
    domain.heartbeat
      .leave(member)
      .then(() => releaseDomain(domain))
      .then(() => (settings.ownsStore ? this.#store.close() : undefined))
      .catch(cause => this.#log.warn('STORE_NOT_CLOSED', storeNotClosedMessage(this.kind, cause)))
      .finally(this.#resolveGone)
  }
}
