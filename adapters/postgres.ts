import { notAtOnce } from '../src/errors.ts'
import type { Change, Entry, Guard, ListOptions, Store, StoreWarning } from '../src/store.ts'
import { arrayOf, type Connection, connectionOf, type PostgresClient, type Row } from './postgres/client.ts'
import { qualified, type TableOptions } from './postgres/schema.ts'
import {
  appendValues,
  type Outcome,
  removeValues,
  type Statements,
  statementsFor,
  writeValues,
} from './postgres/statements.ts'
import { findOrCreate } from './postgres/table.ts'
import { explained, isHalfCreated, isMissing, isPermanent, kind, trouble } from './postgres/trouble.ts'

export type { PgClient, PgQuery, PostgresClient, PostgresJsClient } from './postgres/client.ts'
export { type PostgresSchemaOptions, postgresSchema } from './postgres/schema.ts'

/** Options of {@link postgresStore}. */
export interface PostgresStoreOptions extends TableOptions {}

/**
 * Keeps any number of sessions in one table of PostgreSQL, which it creates where there is none: each batch, with the
 * guards on it, is one statement outside of any transaction. It is prepared where the connection keeps that, and does
 * without where it does not, so that PgBouncer in transaction mode serves. It resolves when the batch is committed, with `synchronous_commit` on whatever the role has.
 *
 * @throws TypeError for what is no client, and for names that PostgreSQL has no place for
 */
export function postgresStore(
  client: PostgresClient,
  options: PostgresStoreOptions = {},
  internals: PostgresInternals = {},
): Store {
  return new PostgresStore(client, options, internals)
}

/** What tests set. */
interface PostgresInternals {
  readonly longestAnswerMs?: number
}

const longestAnswerMs = 60_000

const firstName = '!'
const pageRows = 1000
const pageScopes = 500
const usualPageBytes = 1024 * 1024
/** Each repetition means that another batch has landed. */
const mostAttempts = 100

class PostgresStore implements Store {
  readonly kind = kind
  readonly durability = 'server'
  // A statement's parameter may be 1 GB, and Node's longest text half of that; quotes and backslashes are doubled. The
  // server has a batch in memory several times over.
  readonly limits = { readNames: 10_000, batchBytes: 32 * 1024 * 1024 }
  readonly #client: PostgresClient
  readonly #connection: Connection
  readonly #options: TableOptions
  #opened:
    | { readonly schema: string; readonly warnings: readonly StoreWarning[]; readonly sql: Statements }
    | undefined

  constructor(
    client: PostgresClient,
    { table = 'authkit_records', schema }: PostgresStoreOptions,
    internals: PostgresInternals,
  ) {
    this.#client = client
    this.#connection = connectionOf(client, internals.longestAnswerMs ?? longestAnswerMs)
    this.#options = { table, schema }
    qualified(this.#options)
  }

  get identity(): readonly unknown[] {
    return [kind, this.#client, this.#open.schema, this.#options.table]
  }

  get warnings(): readonly StoreWarning[] {
    return this.#open.warnings
  }

  async open(): Promise<void> {
    try {
      const found = await findOrCreate(this.#connection, this.#options)
      // By its schema from here on: connections of a pool may differ in their search_path.
      const sql = statementsFor(qualified({ ...this.#options, schema: found.schema }))
      this.#opened = { ...found, sql }
    } catch (error) {
      throw explained(error, 'STORE_UNUSABLE')
    }
  }

  async read(scope: string, names: readonly string[]): Promise<(string | undefined)[]> {
    const rows = await this.#rows('read', [scope, arrayOf(names)], names.every(isReserved))
    const found = new Map(rows.map(([name, value]) => [name, value]))
    return names.map(name => found.get(name))
  }

  async write(scope: string, changes: readonly Change[], guards: readonly Guard[] = []): Promise<boolean> {
    const appended = appendValues(scope, changes, guards)
    const outcome = appended ? await this.#attempt('append', appended, guards) : 'again'
    if (outcome !== 'again') return outcome === 'landed'
    return this.#land('write', writeValues(scope, changes, guards), guards)
  }

  async *list(
    scope: string,
    { prefix = '', values = false, pageBytes = usualPageBytes, wholeOnly = false }: ListOptions = {},
  ): AsyncIterable<readonly Entry[]> {
    const end = endOf(prefix)
    const first = prefix || firstName
    const isAtOnce = values && pageBytes > usualPageBytes
    if (isAtOnce) {
      const rows = await this.#rows('whole', [scope, first, end, String(pageBytes)])
      if (rows.length > 0) return yield rows.map(entryOf)
    }
    const most = Math.min(pageBytes, usualPageBytes)
    const limits = values ? [String(pageRows), String(most)] : [String(pageRows)]
    for (let from: string | undefined = first; from !== undefined; ) {
      const rows = await this.#rows(values ? 'entries' : 'names', [scope, from, end, ...limits])
      const page = rows.map(entryOf)
      if (isAtOnce && wholeOnly && page.length > 0) throw notAtOnce(kind, pageBytes)
      if (page.length > 0) yield page
      const last = page.at(-1)
      const isFull = page.length === pageRows || bytesOf(page) >= most
      from = last && isFull ? after(last.name) : undefined
    }
  }

  async *scopes(prefix = ''): AsyncIterable<readonly string[]> {
    for (let from = prefix || firstName; ; ) {
      const rows = await this.#rows('scopes', [from, endOf(prefix), String(pageScopes)])
      const last = rows.at(-1)?.[0]
      if (last === undefined) return
      const held = rows.filter(([, isHeld]) => isHeld === 'true').map(([scope = '']) => scope)
      if (held.length > 0) yield held
      from = after(last)
    }
  }

  async remove(scope: string, guards: readonly Guard[] = []): Promise<boolean> {
    return this.#land('remove', removeValues(scope, guards), guards)
  }

  /** The client is the caller's. */
  async close(): Promise<void> {}

  isPermanent(error: unknown): boolean {
    return isPermanent(error)
  }

  get #open() {
    if (!this.#opened) throw new TypeError('A postgres store is used before open() resolved.')
    return this.#opened
  }

  /**
   * A session whose table was dropped learns so by its fence. Whatever else is asked for may come back with a table that
   * is renamed for a moment: that it is absent would stay in a cache, or become a new identity.
   */
  async #rows(
    statement: 'read' | 'entries' | 'whole' | 'names' | 'scopes',
    values: readonly string[],
    isOfFences = false,
  ): Promise<readonly Row[]> {
    try {
      return await this.#run(statement, values)
    } catch (error) {
      if (isOfFences && isMissing(error)) return []
      throw explained(error, 'READ_FAILED')
    }
  }

  #run(statement: keyof Statements, values: readonly string[]): Promise<readonly Row[]> {
    const sql = this.#open.sql[statement]
    // What a session does all the time.
    const isFrequent = statement === 'append' || statement === 'read'
    return isFrequent ? this.#connection.frequentRows(sql, values) : this.#connection.rows(sql, values)
  }

  async #land(
    statement: 'write' | 'remove',
    values: readonly string[],
    guards: readonly Guard[],
  ): Promise<boolean> {
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      const outcome = await this.#attempt(statement, values, guards)
      if (outcome !== 'again') return outcome === 'landed'
    }
    throw trouble(
      'WRITE_FAILED',
      'Other batches with the same guard were faster, again and again. It may be repeated.',
    )
  }

  async #attempt(
    statement: 'append' | 'write' | 'remove',
    values: readonly string[],
    guards: readonly Guard[],
  ): Promise<Outcome> {
    try {
      const [row] = await this.#run(statement, values)
      return outcomeOf(row?.[0])
    } catch (error) {
      if (isHalfCreated(error)) return 'again'
      // Of a table that was dropped every guard that expects something fails.
      if (isMissing(error) && guards.some(({ value }) => value !== undefined)) return 'refused'
      throw explained(error, 'WRITE_FAILED')
    }
  }
}

function outcomeOf(text: string | undefined): Outcome {
  if (text === 'landed' || text === 'refused' || text === 'again') return text
  throw trouble(
    'WRITE_FAILED',
    'PostgreSQL, or something in front of it, gave no answer to a write. It may be repeated.',
  )
}

function isReserved(name: string): boolean {
  return name.startsWith(firstName)
}

/** The least text that comes after `text`, of those that the contract allows. */
function after(text: string): string {
  return `${text}${firstName}`
}

/** What comes after all texts that begin with `prefix`: above `~`, the highest character of names. */
function endOf(prefix: string): string {
  return `${prefix}\u007f`
}

function entryOf([name = '', value]: Row): Entry {
  return value === undefined ? { name } : { name, value }
}

function bytesOf(page: readonly Entry[]): number {
  return page.reduce((sum, { value = '' }) => sum + Buffer.byteLength(value), 0)
}
