import type * as callbacks from 'mysql2'
import type * as promises from 'mysql2/promise'
import type { AuthState } from '../../src/auth-state.ts'
import {
  type MySQLCallbackPool,
  type MySQLPool,
  mysqlSchema,
  mysqlStore,
  useMySQLAuthState,
} from '../../src/entries/mysql.ts'
import type { Store } from '../../src/store.ts'

// Compiled, never run: what callers pass must be what the store takes.

export function taken(
  pool: promises.Pool,
  callbackPool: callbacks.Pool,
): readonly (MySQLPool | MySQLCallbackPool)[] {
  return [pool, callbackPool, callbackPool.promise()]
}

export function stores(
  pool: promises.Pool,
  callbackPool: callbacks.Pool,
  connection: promises.Connection,
): readonly Store[] {
  return [
    mysqlStore(pool),
    mysqlStore(pool, { table: mysqlSchema({ table: 'bots' }) }),
    mysqlStore(callbackPool),
    // @ts-expect-error a connection that is cut never comes back
    mysqlStore(connection),
    // @ts-expect-error a promise of a pool is none
    mysqlStore(Promise.resolve(pool)),
  ]
}

export function states(pool: promises.Pool): readonly Promise<AuthState>[] {
  return [
    useMySQLAuthState(pool, { session: 'shop-1' }),
    useMySQLAuthState(pool, { session: 'shop-1', table: 'bots', lease: { waitMs: 0 } }),
    // @ts-expect-error a session has a name
    useMySQLAuthState(pool, { table: 'bots' }),
    // @ts-expect-error and options
    useMySQLAuthState(pool),
  ]
}
