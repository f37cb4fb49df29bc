import { AuthStateError } from '../errors.ts'
import { fenceName, heartbeatName, ownersScope } from '../names.ts'
import { monotonicMs, sleep, withTimeout } from './clock.ts'
import { describeHolder, type Fence, parseFence } from './fence.ts'
import { heartbeatPeriodMs } from './heartbeat.ts'
import { claimLease, type Lease, type LeaseSubject } from './lease.ts'
import { isProvablyDead, thisProcess } from './process-identity.ts'
import { claimOf } from './registry.ts'

/** How a contender waits. */
export interface ContendOptions {
  readonly waitMs: number
  readonly onHeld: 'wait' | 'takeOver'
  /** When the wait began, by the monotonic clock: before this call, for one that waited for another opener. */
  readonly since: number
  /** Runs a read, or a write, to its end, through an outage. */
  readonly reading: <T>(attempt: () => Promise<T>) => Promise<T>
  readonly writing: <T>(attempt: () => Promise<T>) => Promise<T>
  /** Called once, when the wait has lasted a second. */
  readonly onWaiting: (holder: string, leftMs: number) => void
}

const pollMs = 300
const warnAfterMs = 1_000

/**
 * Waits until a session is free, or its owner dead, and takes it.
 *
 * @throws AuthStateError `SESSION_IN_USE` after `waitMs`, `RECORD_CORRUPT` for a fence that no version wrote,
 * `SCHEMA_NEWER` for one of a later version
 */
export async function contend(subject: LeaseSubject, options: ContendOptions): Promise<Lease> {
  const watch = new Watch(subject)
  let hasWarned = false
  for (;;) {
    const { text, holder } = await options.reading(() => watch.look())
    if (!holder || options.onHeld === 'takeOver') {
      const lease = await claimLease(subject, text, options.writing)
      if (!lease) continue
      if (holder) await startle(subject, holder.owner)
      return lease
    }
    const waitedMs = monotonicMs() - options.since
    const leftMs = options.waitMs - waitedMs
    if (leftMs <= 0) throw inUse(subject, holder, waitedMs)
    if (waitedMs >= warnAfterMs && !hasWarned) {
      hasWarned = true
      options.onWaiting(describeHolder(holder), leftMs)
    }
    // Half a period, since readings count only while they are less than a period apart.
    await sleep(Math.min(pollMs, heartbeatPeriodMs(holder.ttlMs) / 2, leftMs))
  }
}

/** A session's fence as a contender finds it, and its living holder, if it has one. */
interface Sight {
  readonly text: string | undefined
  readonly holder: Fence | undefined
}

/** A reading, and since when all before it said the same. */
interface Seen {
  readonly fence: string
  readonly beat: string | undefined
  readonly askedAt: number
  readonly since: number
}

/** A contender's eye on a session: what it has seen without a break, and since when, by its own clock. */
class Watch {
  readonly #subject: LeaseSubject
  #seen: Seen | undefined
  #looking: symbol | undefined

  constructor(subject: LeaseSubject) {
    this.#subject = subject
  }

  async look(): Promise<Sight> {
    // A look that was given up without an answer counts as a failed one, also when it is answered after all.
    if (this.#looking) this.#seen = undefined
    const looking = Symbol('look')
    this.#looking = looking
    try {
      return await this.#look(() => this.#looking === looking)
    } catch (error) {
      // Only an unbroken row of readings counts, or a restart of the database would make every standby steal everything.
      this.#seen = undefined
      throw error
    } finally {
      if (this.#looking === looking) this.#looking = undefined
    }
  }

  async #look(isWanted: () => boolean): Promise<Sight> {
    const { store, scope } = this.#subject
    const askedAt = monotonicMs()
    const [text] = await store.read(scope, [fenceName])
    if (text === undefined) return { text, holder: undefined }
    const fence = this.#parse(text)
    if (fence.released || this.#isOrphan(fence)) return { text, holder: undefined }
    const [beat] = await store.read(ownersScope, [heartbeatName(fence.owner)])
    const isDead = isWanted() && this.#hasStoodStill(fence, { fence: text, beat, askedAt })
    return { text, holder: isDead ? undefined : fence }
  }

  /** Whether the fence's owner is certainly no more: a process that died here, or a claim of ours that failed. */
  #isOrphan(fence: Fence): boolean {
    const { store, domain, scope } = this.#subject
    if (fence.owner === domain.heartbeat.owner) return !domain.claims.has(claimOf(scope, fence.token))
    return isProvablyDead(fence, store.durability !== 'server')
  }

  #hasStoodStill(fence: Fence, reading: Omit<Seen, 'since'>): boolean {
    const now = monotonicMs()
    const last = this.#seen
    // What was read may be as old as the question and as new as the answer: both are taken for the worse.
    const isUnbroken =
      last?.fence === reading.fence &&
      last.beat === reading.beat &&
      now - last.askedAt <= heartbeatPeriodMs(fence.ttlMs)
    const since = isUnbroken ? last.since : now
    this.#seen = { ...reading, since }
    return reading.askedAt - since >= fence.ttlMs
  }

  #parse(text: string): Fence {
    const fence = parseFence(text)
    if (typeof fence === 'object') return fence
    const { session, store } = this.#subject
    const about = { session, kind: store.kind }
    if (fence === 'newer') {
      throw new AuthStateError(
        'SCHEMA_NEWER',
        `Session "${session}" was last owned by a newer version of baileys-authkit. Update this one.`,
        about,
      )
    }
    throw new AuthStateError(
      'RECORD_CORRUPT',
      `The record that says who owns session "${session}" (!fence) is damaged. Make sure that no process uses the session, then remove that record.`,
      about,
    )
  }
}

/** Touches the heartbeat of an owner that lives and has just lost a session, so that it looks at its fences. */
async function startle({ store, callMs }: LeaseSubject, owner: string): Promise<void> {
  const name = heartbeatName(owner)
  const touch = async () => {
    const [value] = await store.read(ownersScope, [name])
    if (value === undefined) return true
    return await store.write(ownersScope, [{ name, value: `${value} ` }], [{ name, value }])
  }
  try {
    // It may beat in between, and then would sleep on.
    for (let left = 5; left > 0; left--) if (await withTimeout(touch(), callMs)) return
  } catch {
    // It notices at its next write in any case.
  }
}

function inUse(subject: LeaseSubject, holder: Fence, waitedMs: number): AuthStateError {
  const { session, store } = subject
  const patience = waitedMs < 1_000 ? '' : `, which did not let go within ${Math.round(waitedMs / 1_000)} s`
  const remedy = isProcessOfMine(holder)
    ? 'That is this very process: a worker thread, a second copy of this package, or another client for the same data. Use one client for the session, and have the other call close(). '
    : 'Stop that process or have it call close(). '
  return new AuthStateError(
    'SESSION_IN_USE',
    `Session "${session}" is in use by ${describeHolder(holder)}${patience}. ${remedy}` +
      "Or wait longer with lease.waitMs, or take the session from it with lease.onHeld: 'takeOver'.",
    { session, kind: store.kind },
  )
}

function isProcessOfMine({ host, pid, started }: Fence): boolean {
  const self = thisProcess()
  return host === self.host && pid === self.pid && started === self.started
}
