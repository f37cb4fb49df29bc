import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { type PostgresStoreOptions, postgresStore } from '../../adapters/postgres.ts'
import type { AuthStateError } from '../../src/errors.ts'
import type { Store } from '../../src/store.ts'

/** A name that nobody else has, of the server's tables, databases and roles. */
export function freshName(): string {
  return `t_${randomBytes(6).toString('hex')}`
}

/** A pool that a lost connection does not end the tests' process with. */
export function testPool(connectionString: string, max: number = 10): pg.Pool {
  const pool = new pg.Pool({ connectionString, max, allowExitOnIdle: true })
  pool.on('error', () => {})
  return pool
}

/** An open store. */
export async function openStore(client: pg.Pool | pg.Client, options: PostgresStoreOptions): Promise<Store> {
  const store = postgresStore(client, options)
  await store.open()
  return store
}

/** A URL of the same server with another database, or user and password. */
export function urlWith(url: string, parts: { database?: string; user?: string; password?: string }): string {
  const changed = new URL(url)
  if (parts.database !== undefined) changed.pathname = `/${parts.database}`
  if (parts.user !== undefined) changed.username = parts.user
  if (parts.password !== undefined) changed.password = parts.password
  return changed.href
}

/** What `work` fails with; that it does is asserted. */
export async function failure(work: Promise<unknown>): Promise<AuthStateError> {
  try {
    await work
  } catch (error) {
    // Whatever else it may be fails the assertion on its code.
    return error as AuthStateError
  }
  throw new assert.AssertionError({ message: 'it did not fail' })
}

/** All that a store lists of a scope, as one object. */
export async function listed(store: Store, scope: string): Promise<{ [name: string]: string | undefined }> {
  const found: { [name: string]: string | undefined } = {}
  for await (const page of store.list(scope, { values: true })) {
    for (const { name, value } of page) found[name] = value
  }
  return found
}
