import { resolve } from 'node:path'
import type { Change, Durability, Entry, Guard, ListOptions, Store } from '../src/store.ts'
import {
  type ConnectOptions,
  connectDatabase,
  connectFile,
  connectMemory,
  fileSystemOf,
  type Hold,
} from './sqlite/connections.ts'
import { loadDriver, type SqliteDatabase } from './sqlite/driver.ts'
import type { SqliteDurability } from './sqlite/pragmas.ts'
import { migrations } from './sqlite/schema.ts'
import { isPermanent, kind } from './sqlite/trouble.ts'

export type { SqliteDatabase, SqliteStatement, SqliteValue } from './sqlite/driver.ts'
export type { SqliteDurability } from './sqlite/pragmas.ts'

/** Options of {@link sqliteStore}. */
export interface SqliteStoreOptions {
  /**
   * `'full'`: a batch resolves when it survives a power cut. `'relaxed'`: when it survives this process, which saves
   * an fsync a commit. A power cut may then take the last commits, whole and from the end; the database stays sound.
   * @default 'full'
   */
  readonly durability?: SqliteDurability
}

/**
 * Keeps many sessions in one SQLite database: a file, made where it is missing, `':memory:'`, or an open database of
 * the caller's. Needs Node 22.13 or newer, or `better-sqlite3`, unless the database is passed.
 *
 * For files of this machine. On file systems of a network, or shared with a host, it works as well as their locks do.
 * Where the program itself has the same file open through another driver than this store would choose, pass that
 * database: two SQLite libraries in one process undo each other's locks.
 */
export function sqliteStore(
  pathOrDatabase: string | SqliteDatabase,
  options: SqliteStoreOptions = {},
  internals: Partial<Omit<ConnectOptions, 'durability'>> = {},
): Store {
  return new SqliteStore(pathOrDatabase, options, internals)
}

const inMemory = ':memory:'

class SqliteStore implements Store {
  readonly kind = kind
  readonly limits = { readNames: 10_000, batchBytes: 64 * 1024 * 1024 }
  readonly #target: string | SqliteDatabase
  readonly #options: ConnectOptions
  #hold: Hold | undefined
  #opening: Promise<void> | undefined

  constructor(
    target: string | SqliteDatabase,
    { durability = 'full' }: SqliteStoreOptions,
    internals: Partial<Omit<ConnectOptions, 'durability'>>,
  ) {
    if (!isPath(target) && !isDatabase(target)) {
      throw new TypeError(
        'A sqlite store needs the path of a database file, or an open database of better-sqlite3 or node:sqlite.',
      )
    }
    if (durability !== 'full' && durability !== 'relaxed') {
      throw new TypeError("The option durability is 'full' or 'relaxed'.")
    }
    this.#target = typeof target === 'string' && target !== inMemory ? resolve(target) : target
    this.#options = { migrations, fileSystemOf, loadDriver, ...internals, durability }
  }

  get identity(): readonly unknown[] {
    const { connection } = this.#held
    const data = typeof this.#target === 'string' ? connection : this.#target
    return [kind, connection.file?.path ?? data]
  }

  get durability(): Durability {
    const isInMemory = this.#hold ? !this.#hold.connection.file : this.#target === inMemory
    if (isInMemory) return 'none'
    return this.#options.durability === 'full' ? 'disk' : 'process'
  }

  open(): Promise<void> {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async read(scope: string, names: readonly string[]): Promise<(string | undefined)[]> {
    return this.#held.connection.read(scope, names)
  }

  async write(scope: string, changes: readonly Change[], guards?: readonly Guard[]): Promise<boolean> {
    return this.#held.connection.write(scope, changes, guards)
  }

  async *list(scope: string, options: ListOptions = {}): AsyncIterable<readonly Entry[]> {
    const { prefix = '', values = false } = options
    yield* this.#held.connection.list(scope, prefix, values)
  }

  async *scopes(prefix = ''): AsyncIterable<readonly string[]> {
    yield* this.#held.connection.scopes(prefix)
  }

  async remove(scope: string, guards?: readonly Guard[]): Promise<boolean> {
    return this.#held.connection.write(scope, undefined, guards)
  }

  async close(): Promise<void> {
    await this.#opening?.catch(() => {})
    const hold = this.#hold
    this.#hold = undefined
    await hold?.release()
  }

  isPermanent(error: unknown): boolean {
    return isPermanent(error)
  }

  get #held(): Hold {
    if (!this.#hold) throw new TypeError('A sqlite store is used before open() resolved, or after close().')
    return this.#hold
  }

  async #open(): Promise<void> {
    if (this.#hold && !this.#hold.connection.isGone) return
    const deleted = this.#hold
    this.#hold = await this.#connect()
    await deleted?.release()
  }

  #connect(): Promise<Hold> {
    if (typeof this.#target !== 'string') return connectDatabase(this.#target, this.#options)
    return this.#target === inMemory ? connectMemory(this.#options) : connectFile(this.#target, this.#options)
  }
}

function isPath(target: unknown): target is string {
  return typeof target === 'string' && target !== ''
}

function isDatabase(target: unknown): target is SqliteDatabase {
  return ['prepare', 'exec', 'close'].every(method => typeof Object(target)[method] === 'function')
}
