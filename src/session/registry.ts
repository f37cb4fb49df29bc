import { randomUUID } from 'node:crypto'
import type { Store } from '../store.ts'
import { Heartbeat } from './heartbeat.ts'
import { type CachePool, cachePool } from './record-cache.ts'
import type { Session } from './session.ts'

const defaultPoolBytes = 64 * 1024 * 1024

/** Where a scope's one engine stands: being opened (by the first of several calls), or open. */
export type Slot = { readonly opening: Promise<unknown> } | { readonly session: Session }

/** All that this process has open on one store's data. */
export interface Domain {
  readonly identity: readonly unknown[]
  readonly heartbeat: Heartbeat
  /** {@link claimOf Claims} that this process has made or is about to: one of its own that is not here belongs to nobody. */
  readonly claims: Set<string>
  readonly slots: Map<string, Slot>
}

interface Registry {
  readonly domains: Domain[]
  pool: CachePool | undefined
}

/**
 * One registry a process, also when two copies of this package are loaded; the version at its end is that of the
 * protocol between them. Worker threads and test realms have globals, and so registries, of their own: to them the
 * rest of this process is another process.
 */
const key: unique symbol = Symbol.for('baileys-authkit.registry.2')

function registry(): Registry {
  // A global slot has no type; only this function writes it.
  const slots = globalThis as { [key]?: Registry }
  slots[key] ??= { domains: [], pool: undefined }
  return slots[key]
}

/** The domain of a store's data; the same one for every store whose identity is equal. */
export function domainOf(store: Store): Domain {
  const { domains } = registry()
  const { identity } = store
  const known = domains.find(domain => isSame(domain.identity, identity))
  if (known) return known
  const domain: Domain = {
    identity,
    heartbeat: new Heartbeat(randomUUID()),
    claims: new Set(),
    slots: new Map(),
  }
  domains.push(domain)
  return domain
}

/** A token with the scope that it was made for: copied to another scope it is nobody's. */
export function claimOf(scope: string, token: string): string {
  return `${scope} ${token}`
}

/** Forgets a domain in which nothing is open. One that owes the release of a lease stays, to know the lease for its own. */
export function releaseDomain(domain: Domain): void {
  if (domain.slots.size > 0 || domain.heartbeat.isOwing) return
  const { domains } = registry()
  const at = domains.indexOf(domain)
  if (at >= 0) domains.splice(at, 1)
}

/** The cache that all sessions share that asked for none of their own. */
export function sharedPool(): CachePool | undefined {
  const shared = registry()
  shared.pool ??= cachePool(defaultPoolBytes)
  return shared.pool
}

function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}
