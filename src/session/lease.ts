import { fenceName } from '../names.ts'
import type { Guard, Store } from '../store.ts'
import { withTimeout } from './clock.ts'
import { describeHolder, type Fence, formatFence, newFence, parseFence } from './fence.ts'
import { claimOf, type Domain } from './registry.ts'

/** What a lease is for. */
export interface LeaseSubject {
  readonly store: Store
  readonly domain: Domain
  readonly scope: string
  /** The session's name, as the caller gave it. */
  readonly session: string
  readonly ttlMs: number
  /** How long one call to the store may take. */
  readonly callMs: number
}

/** Whose a session is, seen from its holder. */
export type Ownership = 'mine' | 'gone' | { readonly takenBy: string }

/**
 * The right to write one session. The record `!fence` names the owner; its text guards every write, so that who has
 * lost it cannot write another byte, whatever it believes.
 */
export class Lease {
  readonly #subject: LeaseSubject
  #text: string
  /** What the fence may say by now: the new token of a change whose answer never came. */
  #attempted: string | undefined
  #isInDoubt = false
  #working: Promise<unknown> = Promise.resolve()

  /** For {@link claimLease}: `fence` has landed. */
  constructor(subject: LeaseSubject, fence: Fence) {
    this.#subject = subject
    this.#text = formatFence(fence)
  }

  /** The guards of every write. */
  get guards(): readonly Guard[] {
    return [{ name: fenceName, value: this.#text }]
  }

  /** A write's outcome is unknown, and it may be delivered yet: after its own repetition, even. */
  doubt(): void {
    this.#isInDoubt = true
  }

  get isInDoubt(): boolean {
    return this.#isInDoubt
  }

  /**
   * Ends the doubt by a change of the token: a write that is delivered late finds its guard gone. Throws what the
   * store threw; then the doubt goes on.
   */
  settle(): Promise<Ownership> {
    return this.#exclusively(async () => {
      if (!this.#isInDoubt) return 'mine'
      const { store, scope } = this.#subject
      const old = this.#text
      // The same one again after an attempt without an answer: repeated, it is still one change.
      this.#attempted ??= this.#newText()
      const changes = [{ name: fenceName, value: this.#attempted }]
      const hasChanged = await this.#call(store.write(scope, changes, this.guards))
      const ownership = hasChanged ? this.#adopt(this.#attempted) : await this.#look()
      if (ownership === 'mine' && this.#text === old)
        throw new Error('The fence is the old one, and would not change.')
      this.#isInDoubt = false
      return ownership
    })
  }

  /** Looks at the fence. Throws what the store threw. */
  look(): Promise<Ownership> {
    return this.#exclusively(() => this.#look())
  }

  /**
   * Gives the session up, so that the next opener need not wait. False when it was not this lease's any more. It
   * settles a doubt, too: what is delivered late finds its guard gone.
   */
  release(store: Store = this.#subject.store): Promise<boolean> {
    return this.#exclusively(async () => {
      const { scope } = this.#subject
      // The old text first: once that is gone, a change to the other has landed, or never will.
      for (const text of [this.#text, this.#attempted]) {
        if (text !== undefined && (await this.#call(releaseFence(store, scope, text)))) return true
      }
      return false
    })
  }

  /** This process has no more to do with the lease. */
  forget(): void {
    for (const text of [this.#text, this.#attempted]) if (text !== undefined) this.#disclaim(text)
  }

  /** A fence of ours under a new token, known to this process before it is sent. */
  #newText(): string {
    const { scope, session, domain, ttlMs } = this.#subject
    const fence = newFence(scope, session, domain.heartbeat.owner, ttlMs)
    domain.claims.add(claimOf(scope, fence.token))
    return formatFence(fence)
  }

  async #look(): Promise<Ownership> {
    const { store, scope } = this.#subject
    const [text] = await this.#call(store.read(scope, [fenceName]))
    if (text === undefined) return 'gone'
    if (text === this.#text) return 'mine'
    if (text === this.#attempted) return this.#adopt(text)
    const fence = parseFence(text)
    return { takenBy: typeof fence === 'object' ? describeHolder(fence) : 'another program' }
  }

  #adopt(text: string): 'mine' {
    this.#disclaim(this.#text)
    this.#text = text
    this.#attempted = undefined
    return 'mine'
  }

  #disclaim(text: string): void {
    const { domain, scope } = this.#subject
    const fence = parseFence(text)
    if (typeof fence === 'object') domain.claims.delete(claimOf(scope, fence.token))
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#working.then(work)
    this.#working = result.catch(() => {})
    return result
  }

  #call<T>(answer: Promise<T>): Promise<T> {
    return withTimeout(answer, this.#subject.callMs)
  }
}

/**
 * Claims a session in place of what its fence says now (`current`, `undefined` for nothing). `persist` runs a store
 * call through an outage. `undefined` when somebody else was faster.
 */
export async function claimLease(
  subject: LeaseSubject,
  current: string | undefined,
  persist: <T>(attempt: () => Promise<T>) => Promise<T>,
): Promise<Lease | undefined> {
  const { store, scope, session, domain, ttlMs } = subject
  const fence = newFence(scope, session, domain.heartbeat.owner, ttlMs)
  const text = formatFence(fence)
  let isTaken = false
  let mayHaveLanded = false
  // Known before it is sent: another opener of this process that reads it must not take it for a dead one's.
  const claim = claimOf(scope, fence.token)
  domain.claims.add(claim)
  try {
    isTaken = await persist(async () => {
      if (mayHaveLanded) {
        const [now] = await store.read(scope, [fenceName])
        if (now !== current) return now === text
      }
      mayHaveLanded = true
      return await store.write(
        scope,
        [{ name: fenceName, value: text }],
        [{ name: fenceName, value: current }],
      )
    })
  } catch (error) {
    // It may have landed, or land yet, and then nobody else would take the session while this process lives.
    domain.heartbeat.owe(through => releaseFence(through, scope, text))
    throw error
  } finally {
    if (!isTaken) domain.claims.delete(claim)
  }
  return isTaken ? new Lease(subject, fence) : undefined
}

/** Marks a fence as nobody's. False when it is not there any more. */
function releaseFence(store: Store, scope: string, text: string): Promise<boolean> {
  const fence = parseFence(text)
  const value = JSON.stringify({ ...(typeof fence === 'object' ? fence : {}), released: true })
  return store.write(scope, [{ name: fenceName, value }], [{ name: fenceName, value: text }])
}
