import { randomUUID } from 'node:crypto'
import { isShortened } from '../names.ts'
import { type ProcessIdentity, thisProcess } from './process-identity.ts'

/** What a session's `!fence` record says: who owns it. Its text is the guard of every write. */
export interface Fence extends ProcessIdentity {
  /** The layout of this record. */
  readonly v: 1
  /** New with each take-over. */
  readonly token: string
  /** Whose heartbeat to watch. */
  readonly owner: string
  /** How long the owner's heartbeat must stand still before it counts as dead. */
  readonly ttlMs: number
  /** When the token was made, for people to read: clocks of different hosts are never compared. */
  readonly since: string
  /** The session's name, where it is too long to be read from its scope. */
  readonly session?: string
  /** Present after a clean close: nobody owns the session. */
  readonly released?: true
}

/** A fence that makes this process the owner, under a new token. */
export function newFence(scope: string, session: string, owner: string, ttlMs: number): Fence {
  return {
    v: 1,
    token: randomUUID(),
    owner,
    ...thisProcess(),
    ttlMs,
    since: new Date().toISOString(),
    ...(isShortened(scope) ? { session } : {}),
  }
}

/** The record's text. */
export function formatFence(fence: Fence): string {
  return JSON.stringify(fence)
}

/** What a text says; `undefined` for one that no version of this package wrote; `'newer'` for one of a later layout. */
export function parseFence(text: string): Fence | 'newer' | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof parsed !== 'object' || parsed === null || !('v' in parsed) || typeof parsed.v !== 'number')
    return undefined
  if (parsed.v > 1) return 'newer'
  const complete = 'token' in parsed && 'owner' in parsed && 'pid' in parsed && 'ttlMs' in parsed
  // Ours wrote it under v: 1, so it has all of v: 1's fields.
  return complete ? (parsed as Fence) : undefined
}

/** Who holds a session, in words for an error's or a warning's reader. */
export function describeHolder(fence: Fence): string {
  return `process ${fence.pid} on host "${fence.host}" (since ${fence.since})`
}
