import type BetterSqlite3 from 'better-sqlite3'
import type { AuthState } from '../../src/auth-state.ts'
import { type SqliteDatabase, sqliteStore, useSqliteAuthState } from '../../src/entries/sqlite.ts'
import type { Store } from '../../src/store.ts'

// Compiled, never run: what callers pass must be what the store takes.

/** As `DatabaseSync` of `node:sqlite` is declared, in the part that matters; the types of Node 20 do not have it. */
interface DatabaseSync {
  close(): void
  exec(sql: string): void
  prepare(sql: string, options?: { readBigInts?: boolean }): StatementSync
}

type SQLInputValue = null | number | bigint | string | NodeJS.ArrayBufferView
type SQLOutputValue = null | number | bigint | string | Uint8Array

interface StatementSync {
  all(...anonymousParameters: SQLInputValue[]): Record<string, SQLOutputValue>[]
  all(
    namedParameters: Record<string, SQLInputValue>,
    ...anonymousParameters: SQLInputValue[]
  ): Record<string, SQLOutputValue>[]
  get(...anonymousParameters: SQLInputValue[]): Record<string, SQLOutputValue> | undefined
  get(
    namedParameters: Record<string, SQLInputValue>,
    ...anonymousParameters: SQLInputValue[]
  ): Record<string, SQLOutputValue> | undefined
  run(...anonymousParameters: SQLInputValue[]): {
    changes: number | bigint
    lastInsertRowid: number | bigint
  }
  run(
    namedParameters: Record<string, SQLInputValue>,
    ...anonymousParameters: SQLInputValue[]
  ): { changes: number | bigint; lastInsertRowid: number | bigint }
}

export function taken(better: BetterSqlite3.Database, builtIn: DatabaseSync): readonly SqliteDatabase[] {
  return [better, builtIn]
}

export function stores(better: BetterSqlite3.Database, builtIn: DatabaseSync): readonly Store[] {
  return [
    sqliteStore('bots.db'),
    sqliteStore(better, { durability: 'relaxed' }),
    sqliteStore(builtIn, { durability: 'full' }),
    // @ts-expect-error a promise of a database is none
    sqliteStore(Promise.resolve(better)),
  ]
}

export function states(better: BetterSqlite3.Database): readonly Promise<AuthState>[] {
  return [
    useSqliteAuthState('bots.db'),
    useSqliteAuthState('bots.db', { session: 'shop-1', durability: 'relaxed', lease: { waitMs: 0 } }),
    useSqliteAuthState(better, { session: 'shop-1' }),
    // @ts-expect-error no such durability
    useSqliteAuthState(better, { durability: 'none' }),
  ]
}
