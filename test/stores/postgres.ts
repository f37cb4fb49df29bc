import pg from 'pg'
import { postgresStore, usePostgresAuthState } from '../../src/entries/postgres.ts'
import type { ServerStore } from './server-store.ts'

/** PostgreSQL: a place is a table, which its URL names by `table`. */
export const postgresServerStore: ServerStore = {
  name: 'PostgreSQL',
  server: 'postgres',
  place(serverUrl, name) {
    const url = new URL(serverUrl)
    url.searchParams.set('table', name)
    return url.href
  },
  async open(url) {
    const { connectionString, options } = placeOf(url)
    const pool = poolOf(connectionString)
    const store = postgresStore(pool, options)
    const close = async () => {
      await store.close()
      await pool.end()
    }
    try {
      await store.open()
    } catch (error) {
      await pool.end()
      throw error
    }
    return { store, close, [Symbol.asyncDispose]: close }
  },
  opener(url, options) {
    const place = placeOf(url)
    let pool: pg.Pool | undefined
    return {
      open() {
        pool ??= poolOf(place.connectionString)
        return usePostgresAuthState(pool, { ...options, ...place.options })
      },
      async close() {
        await pool?.end()
      },
    }
  },
  async erase(url) {
    const { connectionString, options } = placeOf(url)
    const client = new pg.Client(connectionString)
    await client.connect()
    await client.query(`drop table if exists ${client.escapeIdentifier(options.table ?? 'authkit_records')}`)
    await client.end()
  },
}

function placeOf(url: string): { connectionString: string; options: { table?: string } } {
  const server = new URL(url)
  const table = server.searchParams.get('table')
  server.searchParams.delete('table')
  return { connectionString: server.href, options: table === null ? {} : { table } }
}

function poolOf(connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString, connectionTimeoutMillis: 5000 })
  // Without a listener a connection that is lost while idle would end the process.
  pool.on('error', () => {})
  return pool
}
