import { randomBytes } from 'node:crypto'
import pg from 'pg'
import postgres from 'postgres'
import { type PostgresClient, postgresStore } from '../../adapters/postgres.ts'
import { postgresSchema } from '../../src/entries/postgres.ts'
import type { ServerName } from '../servers/server.ts'
import { sharedServer } from '../servers/shared-server.ts'
import type { Backend, BackendData } from '../suite/index.ts'

/** How a backend differs from a table of PostgreSQL that a `Pool` of pg creates. */
export interface PostgresBackendOptions {
  readonly server?: ServerName
  readonly driver?: 'pg' | 'postgres.js'
  readonly partitions?: number
}

/** A name that nobody else has. */
export function freshName(): string {
  return `t_${randomBytes(6).toString('hex')}`
}

/** A pool of the tests' own, which nobody needs to end. */
export function testPool(connectionString: string, max: number = 10): pg.Pool {
  const pool = new pg.Pool({ connectionString, max, allowExitOnIdle: true })
  // A server that is ended tells idle connections so.
  pool.on('error', () => {})
  return pool
}

/** A backend on the shared server; each case has a table of its own. */
export async function postgresBackend(options: PostgresBackendOptions = {}): Promise<Backend> {
  const { server = 'postgres', driver = 'pg', partitions } = options
  const { url, title } = await sharedServer(server)
  const through = [...(driver === 'pg' ? [] : [driver]), ...(partitions === undefined ? [] : ['partitioned'])]
  return {
    name: ['postgres', ...through, 'on', title].join(' '),
    create: () => createData(url, driver, partitions),
  }
}

async function createData(
  url: string,
  driver: 'pg' | 'postgres.js',
  partitions: number | undefined,
): Promise<BackendData> {
  const table = freshName()
  const admin = testPool(url, 1)
  if (partitions !== undefined) await admin.query(postgresSchema({ table, partitions }))
  // One for all stores of a process, as a bot has it.
  const { client, end } = connect(url, driver)
  return {
    async open() {
      const store = postgresStore(client, { table })
      await store.open()
      return store
    },
    async drop() {
      await end()
      await admin.query(`drop table if exists ${table}`)
      await admin.end()
    },
  }
}

interface TestClient {
  readonly client: PostgresClient
  end(): Promise<void>
}

function connect(url: string, driver: 'pg' | 'postgres.js'): TestClient {
  if (driver === 'postgres.js') {
    const sql = postgres(url, { max: 4, onnotice: () => {} })
    return { client: sql, end: () => sql.end() }
  }
  const pool = testPool(url, 4)
  return { client: pool, end: () => pool.end() }
}
