import type { MySQLConnection, MySQLPool } from './client.ts'
import { trouble } from './trouble.ts'

/** A row, column by column. */
export type Row = readonly (Buffer | null)[]

/** What a server says of a statement that gives no rows. */
export interface Done {
  readonly affectedRows: number
}

/** The longest that an answer is waited for. After it the connection is given up: one that hangs would never come back to the pool. */
const longestAnswerMs = 60_000

/** As `SERVER_STATUS_...` in the protocol. */
const inTransaction = 1
const autocommit = 2

/** Runs a statement that gives rows. */
export async function rowsOf(pool: MySQLPool, sql: string): Promise<readonly Row[]> {
  // As the query asks for them.
  return (await run(pool, sql, async rows => rows)) as readonly Row[]
}

/** Runs a statement that changes something; it is committed when this resolves. */
export async function change(pool: MySQLPool, sql: string): Promise<Done> {
  return run(pool, sql, async (done, connection) => {
    const { affectedRows, serverStatus } = Object(done)
    if ((serverStatus & inTransaction) === 0) return { affectedRows }
    // Nobody would commit it, and its locks would stay. Without the connection the server undoes it.
    connection.destroy()
    throw uncommitted((serverStatus & autocommit) !== 0)
  })
}

/** What is said where a connection has autocommit turned off, or was given back in the middle of a transaction. */
export function uncommitted(isAutocommit: boolean): Error {
  return isAutocommit
    ? trouble(
        'WRITE_FAILED',
        'The pool lent a connection in the middle of a transaction, so that nothing could be committed. ' +
          'Commit or roll back before a connection is released, or give the store a pool of its own.',
      )
    : trouble(
        'STORE_UNUSABLE',
        'The pool’s connections have autocommit turned off, so that nothing would be committed. ' +
          'Turn it on (SET autocommit = 1), or give the store a pool of its own.',
      )
}

async function run<T>(
  pool: MySQLPool,
  sql: string,
  use: (result: unknown, connection: MySQLConnection) => Promise<T>,
): Promise<T> {
  const connection = await pool.getConnection()
  try {
    const [result] = await withinTime(connection, sql)
    return await use(result, connection)
  } finally {
    connection.release()
  }
}

function withinTime(connection: MySQLConnection, sql: string): Promise<readonly unknown[]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      connection.destroy()
      reject(new Error(`The server did not answer within ${longestAnswerMs / 1000} s.`))
    }, longestAnswerMs)
    connection
      .query({
        sql,
        rowsAsArray: true,
        nestTables: false,
        namedPlaceholders: false,
        typeCast: field => field.buffer(),
      })
      .finally(() => clearTimeout(timer))
      .then(resolve, reject)
  })
}
