import { notAtOnce } from '../src/errors.ts'
import { fenceName } from '../src/names.ts'
import type { Change, Entry, Guard, ListOptions, Store, StoreLimits, StoreWarning } from '../src/store.ts'
import { coreOf, type MySQLCallbackPool, type MySQLPool, poolOf } from './mysql/client.ts'
import { Connections, type Done, type Row } from './mysql/connections.ts'
import { checkTable, defaultTable, prepare, type Server } from './mysql/schema.ts'
import { after, endOf, type Statements, statementsOn } from './mysql/statements.ts'
import { explained, isGuardFailure, isPermanent, kind, trouble } from './mysql/trouble.ts'

export type { MySQLCallbackPool, MySQLConnection, MySQLPool, MySQLQuery } from './mysql/client.ts'
export { type MySQLSchemaOptions, mysqlSchema } from './mysql/schema.ts'

/** Options of {@link mysqlStore}. */
export interface MySQLStoreOptions {
  /** The table in the pool's database; made where it is missing. @default 'authkit_records' */
  readonly table?: string
}

/**
 * Keeps many sessions in one table of MySQL 8 or MariaDB 10.6 and newer, by a pool of `mysql2`. The pool stays the
 * caller's, and must reach the primary.
 *
 * @throws TypeError for what is no pool, and for a wrong name
 */
export function mysqlStore(
  pool: MySQLPool | MySQLCallbackPool,
  options: MySQLStoreOptions = {},
  internals: MySQLInternals = {},
): Store {
  return new MySQLStore(pool, options, internals)
}

/** What tests set. */
interface MySQLInternals {
  readonly longestAnswerMs?: number
}

const longestAnswerMs = 60_000

const mostNames = 5_000
/** Hexadecimal, and what stands between two names. */
const nameBytes = 1_024
const pageRecords = 500
const firstPageRecords = 16
const usualPageBytes = 512 * 1024

class MySQLStore implements Store {
  readonly kind = kind
  readonly durability = 'server'
  readonly identity: readonly unknown[]
  readonly #connections: Connections
  readonly #table: string
  #server: Server | undefined
  #statements: Statements | undefined

  constructor(
    client: MySQLPool | MySQLCallbackPool,
    { table = defaultTable }: MySQLStoreOptions,
    internals: MySQLInternals,
  ) {
    checkTable(table)
    this.#connections = new Connections(poolOf(client), internals.longestAnswerMs ?? longestAnswerMs)
    this.#table = table
    this.identity = [kind, coreOf(client), table]
  }

  get limits(): StoreLimits {
    const maxPacketBytes = this.#server?.maxPacketBytes ?? Number.POSITIVE_INFINITY
    return {
      readNames: Math.min(mostNames, Math.max(1, Math.floor(maxPacketBytes / nameBytes))),
      // Base64 makes four bytes of three. What lies between is up to `write`, which counts what it sends.
      batchBytes: Math.floor(maxPacketBytes * 0.75),
      batchRemedy: 'raise the server’s max_allowed_packet',
    }
  }

  get warnings(): readonly StoreWarning[] {
    return this.#server?.warnings ?? []
  }

  async open(): Promise<void> {
    const server = await this.#doing('opened', () => prepare(this.#connections, this.#table))
    this.#statements = statementsOn(this.#table, server.isDirty)
    this.#server = server
  }

  async read(scope: string, names: readonly string[]): Promise<(string | undefined)[]> {
    const rows = await this.#rows(this.#on.read(scope, names))
    const found = new Map(rows.map(([name, value]) => [String(name), textOf(value)]))
    return names.map(name => found.get(name))
  }

  async write(scope: string, changes: readonly Change[], guards: readonly Guard[] = []): Promise<boolean> {
    const landed = await this.#guarded(this.#on.write(scope, changes, guards))
    if (landed && changes.some(leavesRows)) await this.#sweep(scope)
    return landed !== undefined
  }

  async *list(
    scope: string,
    { prefix = '', values = false, pageBytes = usualPageBytes, wholeOnly = false }: ListOptions = {},
  ): AsyncIterable<readonly Entry[]> {
    const end = endOf(prefix)
    if (values && prefix === '' && pageBytes > usualPageBytes) {
      const whole = await this.#whole(scope, pageBytes)
      if (whole) {
        if (whole.length > 0) yield whole
        return
      }
      if (wholeOnly) throw notAtOnce(kind, pageBytes)
    }
    const most = Math.min(pageBytes, usualPageBytes)
    let limit = values ? firstPageRecords : pageRecords
    for (let from: string | undefined = prefix; from !== undefined; ) {
      const rows = await this.#rows(this.#on.page(scope, from, end, limit, values))
      const page = rows.map(row => entryOf(row, values))
      if (page.length > 0) yield page
      const last = page.at(-1)
      from = last && page.length === limit ? after(last.name) : undefined
      if (values) limit = nextLimit(limit, page, most)
    }
  }

  async *scopes(prefix = ''): AsyncIterable<readonly string[]> {
    for (let from = prefix; ; ) {
      const [row] = await this.#rows(this.#on.nextScope(from, endOf(prefix)))
      if (!row) return
      const scope = String(row[0])
      yield [scope]
      from = after(scope)
    }
  }

  async remove(scope: string, guards: readonly Guard[] = []): Promise<boolean> {
    const removed = await this.#guarded(this.#on.remove(scope, guards))
    // Of an empty scope no guard may have been looked at: what expects something does not hold there.
    const isSure = guards.every(({ value }) => value === undefined) || Number(removed?.affectedRows) > 0
    return removed !== undefined && isSure
  }

  async close(): Promise<void> {}

  isPermanent(error: unknown): boolean {
    return isPermanent(error)
  }

  get #on(): Statements {
    if (!this.#statements) throw new TypeError('A mysql store is used before open() resolved.')
    return this.#statements
  }

  /** All records, if they are no more than so many bytes. */
  async #whole(scope: string, mostBytes: number): Promise<readonly Entry[] | undefined> {
    const rows = await this.#doing('read', () =>
      this.#connections.rowsWithin(this.#on.whole(scope), mostBytes),
    )
    return rows?.filter(([, value]) => value !== null).map(row => entryOf(row, true))
  }

  #rows(sql: string): Promise<readonly Row[]> {
    return this.#doing('read', () => this.#connections.rows(sql))
  }

  /** `undefined` where a guard did not hold. */
  #guarded(sql: string): Promise<Done | undefined> {
    this.#checkSize(sql)
    return this.#doing('written', () =>
      this.#connections.change(sql).catch(error => {
        if (isGuardFailure(error)) return undefined
        throw error
      }),
    )
  }

  /** Deletes the rows of removed records. They are in nobody's way, so that a failure may wait for the next sweep. */
  async #sweep(scope: string): Promise<void> {
    await this.#connections.change(this.#on.sweep(scope)).catch(() => {})
  }

  #checkSize(sql: string): void {
    const { maxPacketBytes = 0 } = this.#server ?? {}
    // One byte says that it is a statement.
    if (sql.length < maxPacketBytes) return
    throw trouble(
      'BATCH_TOO_LARGE',
      `A batch of ${sql.length} bytes is more than the ${maxPacketBytes} that the server takes in one packet. ` +
        'Raise the server’s max_allowed_packet, or set fewer records at once.',
    )
  }

  async #doing<T>(doing: 'opened' | 'read' | 'written', work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw explained(error, doing, this.#table)
    }
  }
}

/** A removed record keeps its row. It goes when the session changes hands; heartbeats have no such moment. */
function leavesRows({ name, value }: Change): boolean {
  return name === fenceName || (name.startsWith('!') && value === undefined)
}

function entryOf([name, value]: Row, values: boolean): Entry {
  return values ? { name: String(name), value: textOf(value) } : { name: String(name) }
}

function textOf(value: Buffer | null | undefined): string {
  return value ? value.toString() : ''
}

/** As many records as fill a page, by those of the last one. */
function nextLimit(limit: number, page: readonly Entry[], pageBytes: number): number {
  const bytes = page.reduce((sum, { value = '' }) => sum + value.length, 1)
  const fitting = Math.floor((pageBytes * page.length) / bytes)
  return Math.max(1, Math.min(fitting, limit * 4, pageRecords))
}
