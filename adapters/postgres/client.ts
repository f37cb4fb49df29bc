import { createHash } from 'node:crypto'
import { isNotPrepared, trouble } from './trouble.ts'

/** What a store needs of a `Pool` or `Client` of `pg`. */
export interface PgClient {
  query(query: PgQuery): Promise<{ readonly rows: readonly unknown[] }>
}

/** A `Pool` of `pg`, in the part that a {@link PgClient} need not have. */
interface PgPool {
  connect(callback: (error: unknown, client: PgLentClient | undefined) => void): unknown
}

interface PgLentClient extends PgClient {
  on(event: 'error', listener: () => void): unknown
  off(event: 'error', listener: () => void): unknown
  release(destroy?: boolean): void
}

/** A statement as `pg` takes it. With a name, its connection keeps it, so that it is understood and planned only once. */
export interface PgQuery {
  name?: string
  text: string
  values: string[]
  rowMode: 'array'
  types: { getTypeParser(): (value: unknown) => unknown }
}

/** What a store needs of the `sql` of `postgres` (postgres.js). */
export interface PostgresJsClient {
  unsafe(text: string, values?: string[], options?: { prepare: boolean }): { raw(): PromiseLike<unknown> }
  begin: unknown
}

/** A client that a store can use; the caller's own, which stays open. */
export type PostgresClient = PgClient | PostgresJsClient

/** A row's columns, in order; `undefined` for null. */
export type Row = readonly (string | undefined)[]

/** Runs statements on the caller's client. */
export interface Connection {
  /** The rows of one statement, in one round trip. Every column must be of type text. */
  rows(text: string, values: readonly string[]): Promise<readonly Row[]>
  /** The same of a statement that is run often: planning it would take longer than running it. */
  frequentRows(text: string, values: readonly string[]): Promise<readonly Row[]>
  /** Runs a text without parameters, for its effect. */
  run(text: string): Promise<void>
}

/**
 * How to run statements on a client. On a connection of a Pool's, an answer is waited for at most `longestAnswerMs`; then
 * the connection is given up: one that hangs would never come back to the pool, and a pool of such lends none.
 *
 * @throws TypeError for what is no client
 */
export function connectionOf(client: PostgresClient, longestAnswerMs: number): Connection {
  if (isPostgresJs(client)) return postgresJsConnection(client)
  if (typeof Object(client).query === 'function') return pgConnection(client, longestAnswerMs)
  throw new TypeError(
    'A postgres store needs a Pool or Client of pg, or the sql function of postgres (postgres.js).',
  )
}

/** Joins texts to a text that PostgreSQL reads as `text[]`: the same for every driver, whatever it does to arrays. */
export function arrayOf(texts: readonly string[]): string {
  return `{${texts.map(quoted).join(',')}}`
}

/** JSON quotes as arrays do, and several times faster than a search; but for control characters. */
function quoted(text: string): string {
  const hasControls = /[^ -\uffff]/.test(text)
  return hasControls ? `"${text.replace(/["\\]/g, '\\$&')}"` : JSON.stringify(text)
}

// The caller may have parsers of its own, or the binary format: columns are taken as they come.
const untouched = (value: unknown) => value

function pgConnection(client: PgClient, longestAnswerMs: number): Connection {
  // Until a pooler is met that lends its connections by the transaction: there a name means something else each time.
  let keepsNames = true
  const query = async (text: string, values: readonly string[], name?: string) => {
    const asked: PgQuery = {
      ...(name === undefined ? {} : { name }),
      text,
      values: [...values],
      rowMode: 'array',
      types: { getTypeParser: () => untouched },
    }
    return isPool(client) ? queryLent(client, asked, longestAnswerMs) : queryClient(client, asked)
  }
  return {
    rows: async (text, values) => (await query(text, values)).map(rowOf),
    async frequentRows(text, values) {
      if (keepsNames) {
        try {
          return (await query(text, values, nameOf(text))).map(rowOf)
        } catch (error) {
          if (!isNotPrepared(error)) throw error
          keepsNames = false
        }
      }
      return (await query(text, values)).map(rowOf)
    },
    run: async text => void (await query(text, [])),
  }
}

const nameByText = new Map<string, string>()

/** A statement's name, which no other text has, whoever else uses the connection. */
function nameOf(text: string): string {
  const known = nameByText.get(text)
  if (known !== undefined) return known
  const name = `authkit_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`
  nameByText.set(text, name)
  return name
}

/** On a client of the pool's, which is given back, or up where it is of no use to the next. */
async function queryLent(pool: PgPool, asked: PgQuery, longestAnswerMs: number): Promise<readonly unknown[]> {
  const client = await lent(pool)
  try {
    const rows = await within(longestAnswerMs, queryClient(client, asked))
    client.release()
    return rows
  } catch (error) {
    // Without the connection the server undoes what is left open on it, and lets go of the locks.
    client.release(true)
    throw error
  } finally {
    client.off('error', ignore)
  }
}

/**
 * A client of the pool's, with somebody who listens to its errors: a connection that is lost fails the query, and would
 * end the process by an event that nobody listens to. From the very call on: the server's last words may lie in the
 * same packet as its first.
 */
function lent(pool: PgPool): Promise<PgLentClient> {
  return new Promise((resolve, reject) => {
    pool.connect((error, client) => {
      client?.on('error', ignore)
      if (client && !error) resolve(client)
      else reject(error)
    })
  })
}

function ignore(): void {}

// pg's own query_timeout, in a statement, would take the place of a shorter one that the caller gave its Pool.
function within<T>(longestMs: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const error = new Error(`the server did not answer within ${longestMs / 1000} s`)
      reject(Object.assign(error, { code: 'TIMEOUT' }))
    }, longestMs)
    work.finally(() => clearTimeout(timer)).then(resolve, reject)
  })
}

async function queryClient(client: PgClient, asked: PgQuery): Promise<readonly unknown[]> {
  checkConnected(client)
  watchTransactions(client)
  const { rows } = await client.query(asked)
  checkCommitted(client)
  return rows
}

function postgresJsConnection(sql: PostgresJsClient): Connection {
  const rows = async (text: string, values: readonly string[], prepare: boolean) =>
    Array.from(Object(await sql.unsafe(text, [...values], { prepare }).raw()), rowOf)
  return {
    rows: (text, values) => rows(text, values, false),
    // The caller's own `prepare: false`, for a pooler, is heeded all the same.
    frequentRows: (text, values) => rows(text, values, true),
    run: async text => void (await sql.unsafe(text).raw()),
  }
}

/** A `Client` that nobody has connected would keep a statement for ever. */
function checkConnected(client: PgClient): void {
  const { _connected, _connecting } = Object(client)
  if (_connected !== false || _connecting !== false) return
  throw trouble(
    'STORE_UNUSABLE',
    'The client is not connected. Await client.connect() first, or pass a Pool, which connects by itself.',
  )
}

/**
 * What runs inside a transaction of the caller's is neither durable nor seen by others, and may read what was there long
 * ago. A bot leaves one open on a client of a pool when it releases it after an exception; the pool lends it again.
 */
function checkCommitted(client: PgClient): void {
  const { connection, getTransactionStatus } = Object(client)
  const status = getTransactionStatus ? getTransactionStatus.call(client) : statuses.get(connection)
  if (status === 'T') throw Object.assign(new Error('a transaction is open'), { code: 'TRANSACTION' })
}

/** What the servers last said of their connections' transactions, for releases of pg that keep it to themselves. */
const statuses = new WeakMap<object, unknown>()

function watchTransactions(client: PgClient): void {
  const { connection, getTransactionStatus } = Object(client)
  if (getTransactionStatus || typeof connection?.on !== 'function' || statuses.has(connection)) return
  statuses.set(connection, undefined)
  connection.on('readyForQuery', (message: unknown) => statuses.set(connection, Object(message).status))
}

function rowOf(columns: unknown): Row {
  if (!Array.isArray(columns)) return Array.from(Object(columns), textOf)
  // As nearly all rows are: a whole session has ten thousand.
  return columns.every(isText) ? columns : columns.map(textOf)
}

function isText(column: unknown): column is string {
  return typeof column === 'string'
}

function textOf(column: unknown): string | undefined {
  if (column === null || column === undefined) return undefined
  return column instanceof Uint8Array ? Buffer.from(column).toString() : String(column)
}

/** A `Client` connects too, but counts none. */
function isPool(client: PgClient | PgPool): client is PgPool {
  const { connect, totalCount } = Object(client)
  return typeof connect === 'function' && typeof totalCount === 'number'
}

function isPostgresJs(client: PostgresClient): client is PostgresJsClient {
  // A transaction's `sql` has no `begin`: what is written there may never be committed.
  return (
    typeof client === 'function' &&
    ['unsafe', 'begin'].every(name => typeof Object(client)[name] === 'function')
  )
}
