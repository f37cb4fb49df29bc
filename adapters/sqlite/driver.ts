import { trouble } from './trouble.ts'

/** What a driver binds. */
export type SqliteValue = string | number | Uint8Array

/** A prepared statement: the methods that `better-sqlite3` and `node:sqlite` have in common. */
export interface SqliteStatement {
  run(...values: SqliteValue[]): unknown
  get(...values: SqliteValue[]): unknown
  all(...values: SqliteValue[]): unknown[]
}

/** An open database: a `Database` of `better-sqlite3`, or a `DatabaseSync` of `node:sqlite`. */
export interface SqliteDatabase {
  prepare(sql: string): SqliteStatement
  exec(sql: string): unknown
  close(): unknown
}

/** Opens the file at a path, which is there. */
export type Driver = (path: string) => SqliteDatabase

type DatabaseClass = new (path: string) => SqliteDatabase

/**
 * Finds what opens databases here: `node:sqlite` where this Node has it, else `better-sqlite3`.
 *
 * @throws TypeError where there is neither
 */
export async function loadDriver(): Promise<Driver> {
  // Node's own class, and better-sqlite3's, have the methods that SqliteDatabase lists; a type test holds them to it.
  const builtIn = process.getBuiltinModule('node:sqlite') as { DatabaseSync: DatabaseClass } | undefined
  if (builtIn) return path => new builtIn.DatabaseSync(path)
  const BetterSqlite = await loadBetterSqlite()
  return path => {
    try {
      return new BetterSqlite(path)
    } catch (error) {
      if (isOfSqlite(error)) throw error
      // Its binary is loaded only now.
      throw notLoaded(error)
    }
  }
}

async function loadBetterSqlite(): Promise<DatabaseClass> {
  // Not a literal: neither the compiler nor a bundler should insist on a package that is optional.
  const specifier: string = 'better-sqlite3'
  try {
    const loaded = (await import(specifier)) as { default: DatabaseClass }
    return loaded.default
  } catch (error) {
    if (!isNotFound(error, specifier)) throw notLoaded(error)
    throw new TypeError(
      'The sqlite store needs Node 22.13 or newer, which has SQLite built in, or the package better-sqlite3: npm install better-sqlite3',
    )
  }
}

function notLoaded(cause: unknown): Error {
  return trouble(
    'STORE_UNUSABLE',
    'The package better-sqlite3 is installed but does not load. It may be built for another Node: run npm rebuild better-sqlite3',
    cause,
  )
}

function isOfSqlite(error: unknown): boolean {
  return /^SQLITE_/.test(String(Object(error).code))
}

function isNotFound(error: unknown, specifier: string): boolean {
  const { code, message } = Object(error)
  // jest's resolver has the CommonJS code; a module that better-sqlite3 itself lacks is another trouble.
  return /^(ERR_)?MODULE_NOT_FOUND$/.test(String(code)) && String(message).includes(`'${specifier}'`)
}
