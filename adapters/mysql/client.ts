/** A pool of `mysql2/promise`, in the part that a store uses. */
export interface MySQLPool {
  getConnection(): Promise<MySQLConnection>
}

/** A pool of `mysql2` itself, whose methods take callbacks. */
export interface MySQLCallbackPool {
  promise(): MySQLPool
}

/** A connection that a {@link MySQLPool} lends. */
export interface MySQLConnection {
  query(options: MySQLQuery): Promise<readonly unknown[]>
  release(): void
  destroy(): void
}

/** A statement with all that could be set otherwise on the pool. */
export interface MySQLQuery {
  sql: string
  rowsAsArray: boolean
  nestTables: boolean
  namedPlaceholders: boolean
  typeCast(field: { buffer(): Buffer | null }): Buffer | null
}

/** The pool to ask. @throws TypeError for what is none */
export function poolOf(client: MySQLPool | MySQLCallbackPool): MySQLPool {
  const pool = isCallbackPool(client) ? client.promise() : client
  if (typeof Object(pool).getConnection === 'function') return pool
  throw new TypeError(
    'A mysql store needs a pool of mysql2: createPool(...) of mysql2/promise. ' +
      'A single connection never comes back once it is cut; createPool({ ..., connectionLimit: 1 }) makes a pool of one.',
  )
}

/** What stays the same however often the caller has `promise()` wrap one pool. */
export function coreOf(client: MySQLPool | MySQLCallbackPool): unknown {
  const { pool } = Object(client)
  return typeof pool === 'object' && pool !== null ? pool : client
}

function isCallbackPool(client: MySQLPool | MySQLCallbackPool): client is MySQLCallbackPool {
  return typeof Object(client).promise === 'function'
}
