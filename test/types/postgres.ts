import type pg from 'pg'
import type postgres from 'postgres'
import type { AuthState } from '../../src/auth-state.ts'
import { type PostgresClient, postgresStore, usePostgresAuthState } from '../../src/entries/postgres.ts'
import type { Store } from '../../src/store.ts'

// Compiled, never run: what callers pass must be what the store takes.

export function taken(
  pool: pg.Pool,
  client: pg.Client,
  poolClient: pg.PoolClient,
  sql: postgres.Sql,
  typedSql: postgres.Sql<{ bigint: bigint }>,
): readonly PostgresClient[] {
  return [pool, client, poolClient, sql, typedSql]
}

export function stores(pool: pg.Pool, url: string, transaction: postgres.TransactionSql): readonly Store[] {
  return [
    postgresStore(pool),
    postgresStore(pool, { table: 'sessions', schema: 'bots' }),
    // @ts-expect-error a URL is no client
    postgresStore(url),
    // @ts-expect-error what is written in a transaction may never be committed
    postgresStore(transaction),
    // @ts-expect-error no such option
    postgresStore(pool, { tabel: 'sessions' }),
  ]
}

export function states(pool: pg.Pool, sql: postgres.Sql): readonly Promise<AuthState>[] {
  return [
    usePostgresAuthState(pool, { session: 'shop-1' }),
    usePostgresAuthState(sql, { session: 'shop-1', table: 'sessions', lease: { waitMs: 0 } }),
    // @ts-expect-error a session must be named
    usePostgresAuthState(pool, { table: 'sessions' }),
  ]
}
