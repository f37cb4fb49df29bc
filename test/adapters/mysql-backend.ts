import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createPool, type Pool, type PoolOptions } from 'mysql2/promise'
import { mysqlStore } from '../../adapters/mysql.ts'
import type { AuthStateError } from '../../src/errors.ts'
import type { Store } from '../../src/store.ts'
import { sharedServer } from '../servers/shared-server.ts'
import type { Backend } from '../suite/index.ts'

const server = await sharedServer('mysql')

/** Where the shared server is. */
export const sharedUrl: string = server.url

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

/** What `work` fails with; that it does is asserted. */
export async function failure(work: Promise<unknown>): Promise<AuthStateError> {
  try {
    await work
  } catch (error) {
    // Whatever else it may be fails the assertion on its code.
    return error as AuthStateError
  }
  throw new assert.AssertionError({ message: 'it did not fail' })
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
