import type { MySQLConnection, MySQLPool } from './client.ts'
import { trouble } from './trouble.ts'

/** A row, column by column. */
export type Row = readonly (Buffer | null)[]

/** What a server says of a statement that gives no rows. */
export interface Done {
  readonly affectedRows: number
}

/** As `SERVER_STATUS_...` in the protocol. */
const inTransaction = 1
const autocommit = 2

/** The connections that a pool lends, one for each statement. */
export class Connections {
  readonly #pool: MySQLPool
  readonly #longestAnswerMs: number

  /**
   * An answer is waited for at most `longestAnswerMs`. Then the connection is given up: one that hangs would never come
   * back to the pool, and a pool of such lends none.
   */
  constructor(pool: MySQLPool, longestAnswerMs: number) {
    this.#pool = pool
    this.#longestAnswerMs = longestAnswerMs
  }

  /** Runs a statement that gives rows. */
  async rows(sql: string): Promise<readonly Row[]> {
    return (await this.rowsWithin(sql, Number.POSITIVE_INFINITY)) ?? []
  }

  /** The same of rows with up to so many bytes. `undefined` where there are more: the connection is given up then. */
  rowsWithin(sql: string, mostBytes: number): Promise<readonly Row[] | undefined> {
    // As the query asks for them.
    return this.#run(sql, rows => rows as readonly Row[] | undefined, mostBytes)
  }

  /** Runs a statement that changes something; it is committed when this resolves. */
  change(sql: string): Promise<Done> {
    return this.#run(sql, (done, connection) => {
      const { affectedRows, serverStatus } = Object(done)
      if ((serverStatus & inTransaction) === 0) return { affectedRows }
      // Nobody would commit it, and its locks would stay. Without the connection the server undoes it.
      connection.destroy()
      throw uncommitted((serverStatus & autocommit) !== 0)
    })
  }

  async #run<T>(
    sql: string,
    use: (result: unknown, connection: MySQLConnection) => T,
    mostBytes?: number,
  ): Promise<T> {
    const connection = await this.#pool.getConnection()
    try {
      const [result] = await this.#answer(connection, sql, mostBytes)
      return use(result, connection)
    } finally {
      connection.release()
    }
  }

  /** An answer of more bytes is none: it ends as `[]`. */
  #answer(
    connection: MySQLConnection,
    sql: string,
    mostBytes = Number.POSITIVE_INFINITY,
  ): Promise<readonly unknown[]> {
    return new Promise((resolve, reject) => {
      let bytes = 0
      const giveUp = () => {
        clearTimeout(timer)
        connection.destroy()
      }
      // First: where it can't be called at all, no timer is left behind.
      const answered = connection.query({
        sql,
        rowsAsArray: true,
        nestTables: false,
        namedPlaceholders: false,
        // What a column holds is decoded here, whatever the pool does with it.
        typeCast(field) {
          const value = field.buffer()
          const wasWithin = bytes <= mostBytes
          bytes += value?.length ?? 0
          if (wasWithin && bytes > mostBytes) {
            giveUp()
            resolve([])
          }
          return value
        },
      })
      const timer = setTimeout(() => {
        giveUp()
        reject(new Error(`the server did not answer within ${this.#longestAnswerMs / 1000} s`))
      }, this.#longestAnswerMs)
      answered.finally(() => clearTimeout(timer)).then(resolve, reject)
    })
  }
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
