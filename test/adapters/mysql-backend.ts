import { randomBytes } from 'node:crypto'
import { createPool, type Pool, type PoolOptions } from 'mysql2/promise'
import { mysqlStore } from '../../adapters/mysql.ts'
import type { Store } from '../../src/store.ts'
import { sharedServer } from '../servers/shared-server.ts'
import type { Backend } from '../suite/index.ts'

const server = await sharedServer('mysql')

/** A new pool on the shared server. */
export function connect(options: PoolOptions = {}): Pool {
  return createPool({ uri: server.url, ...options })
}

/** A name that no other test has. */
export function freshTable(): string {
  return `authkit_${randomBytes(6).toString('hex')}`
}

/** A store on a pool, open. */
export async function openStore(...parameters: Parameters<typeof mysqlStore>): Promise<Store> {
  const store = mysqlStore(...parameters)
  await store.open()
  return store
}

/** A table and a pool for each case. */
export const mysqlBackend: Backend = {
  name: `mysql on ${server.title}`,
  outages: true,
  async create() {
    const table = freshTable()
    const pool = connect()
    const lend = pool.getConnection.bind(pool)
    return {
      open: () => openStore(pool, { table }),
      async outage() {
        // As mysql2 says it where nobody listens.
        const refusal = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
        pool.getConnection = () => Promise.reject(refusal)
        return async () => {
          pool.getConnection = lend
        }
      },
      async drop() {
        await pool.query('drop table if exists ??', [table])
        await pool.end()
      },
    }
  },
}
