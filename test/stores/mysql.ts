import { createPool, type Pool } from 'mysql2/promise'
import { mysqlStore } from '../../adapters/mysql.ts'
import { useMySQLAuthState } from '../../src/entries/mysql.ts'
import type { ServerStore } from './server-store.ts'

/** The table of a URL is in its fragment; without one it is the adapter's own default. */
export const mysqlServerStore: ServerStore = {
  name: 'MySQL',
  server: 'mysql',
  place: (serverUrl, name) => `${serverUrl}#authkit_${name}`,
  async open(url) {
    const { pool, options } = connect(url)
    const store = mysqlStore(pool, options)
    try {
      await store.open()
    } catch (error) {
      await pool.end()
      throw error
    }
    const close = async () => {
      await store.close()
      await pool.end()
    }
    return { store, close, [Symbol.asyncDispose]: close }
  },
  opener(url, options) {
    let connected: ReturnType<typeof connect> | undefined
    return {
      async open() {
        connected ??= connect(url)
        return useMySQLAuthState(connected.pool, { ...connected.options, ...options })
      },
      async close() {
        await connected?.pool.end()
        connected = undefined
      },
    }
  },
  async erase(url) {
    const { pool, options } = connect(url)
    try {
      await pool.query('drop table if exists ??', [options.table ?? 'authkit_records'])
    } finally {
      await pool.end()
    }
  },
}

function connect(url: string): { pool: Pool; options: { table?: string } } {
  const server = new URL(url)
  const table = decodeURIComponent(server.hash.slice(1))
  server.hash = ''
  const uri = server.href.replace(/^mariadb:/, 'mysql:')
  return { pool: createPool({ uri }), options: table === '' ? {} : { table } }
}
