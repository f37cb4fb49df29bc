import postgres from 'postgres'
import { type PostgresClient, postgresSchema, postgresStore } from '../../adapters/postgres.ts'
import { TcpProxy } from '../proxy/tcp-proxy.ts'
import type { ServerName } from '../servers/server.ts'
import { sharedServer } from '../servers/shared-server.ts'
import type { Backend, BackendData } from '../suite/index.ts'
import { freshName, testPool } from './postgres-tables.ts'

/** How a backend differs from a table that a store creates by itself, through a `Pool` of pg. */
export interface PostgresBackendOptions {
  readonly server?: ServerName
  readonly driver?: 'pg' | 'postgres.js'
  /** The table is made beforehand, in so many partitions. */
  readonly partitions?: number
}

/** A backend on the shared server; each case has a table of its own. */
export async function postgresBackend(options: PostgresBackendOptions = {}): Promise<Backend> {
  const { server = 'postgres', driver = 'pg', partitions } = options
  const { url, title } = await sharedServer(server)
  const through = [...(driver === 'pg' ? [] : [driver]), ...(partitions === undefined ? [] : ['partitioned'])]
  return {
    name: ['postgres', ...through, 'on', title].join(' '),
    outages: true,
    create: () => createData(url, driver, partitions),
  }
}

async function createData(
  url: string,
  driver: 'pg' | 'postgres.js',
  partitions: number | undefined,
): Promise<BackendData> {
  const table = freshName()
  const { hostname, port } = new URL(url)
  const proxy = await TcpProxy.start({ host: hostname, port: Number(port || 5432) })
  const admin = testPool(url, 1)
  if (partitions !== undefined) await admin.query(postgresSchema({ table, partitions }))
  // One for all stores of a process, as a bot has it.
  const { client, end } = connect(proxy.url(url), driver)
  return {
    async open() {
      const store = postgresStore(client, { table })
      await store.open()
      return store
    },
    async outage() {
      proxy.down()
      let ending: Promise<void> | undefined
      return () => {
        ending ??= proxy.up()
        return ending
      }
    },
    async drop() {
      await end()
      await proxy[Symbol.asyncDispose]()
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
  if (driver === 'pg') {
    const pool = testPool(url, 4)
    return { client: pool, end: () => pool.end() }
  }
  const sql = postgres(url, { max: 4, onnotice: () => {} })
  // Without a time it waits for ever for connections that were cut.
  return { client: sql, end: () => sql.end({ timeout: 1 }) }
}
