import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { createPool } from 'mysql2/promise'
import pg from 'pg'
import { mongoStore } from '../src/entries/mongodb.ts'
import { multiFileStore } from '../src/entries/multi-file.ts'
import { mysqlStore } from '../src/entries/mysql.ts'
import { postgresStore } from '../src/entries/postgres.ts'
import { redisStore } from '../src/entries/redis.ts'
import { sqliteStore } from '../src/entries/sqlite.ts'
import type { Store } from '../src/store.ts'
import type { DurableBackend } from './backends.ts'
import type { Place } from './places.ts'

/** One of our stores, and how to end what it lies on. */
export interface OwnStore {
  readonly store: Store
  end(): Promise<void>
}

/** Ours, each as README has it, and no option but those that name the place. */
export const ownStores: {
  readonly [backend in DurableBackend]: (place: Place, options?: { readonly isRelaxed?: boolean }) => OwnStore
} = {
  files: ({ folder }, { isRelaxed } = {}) => {
    const store = isRelaxed ? multiFileStore(folder, { durability: 'relaxed' }) : multiFileStore(folder)
    return { store, end: () => store.close() }
  },

  SQLite: ({ folder }, { isRelaxed } = {}) => {
    const path = `${folder}/bots.db`
    const store = isRelaxed ? sqliteStore(path, { durability: 'relaxed' }) : sqliteStore(path)
    return { store, end: () => store.close() }
  },

  Redis: ({ serverUrl, session }) => {
    const client = new Redis(serverUrl)
    return { store: redisStore(client, { prefix: `${session}:` }), end: async () => client.disconnect() }
  },

  PostgreSQL: ({ serverUrl, session }) => {
    const pool = new pg.Pool({ connectionString: serverUrl })
    return { store: postgresStore(pool, { table: session }), end: () => pool.end() }
  },

  MySQL: ({ serverUrl, session }) => {
    const pool = createPool({ uri: serverUrl })
    return { store: mysqlStore(pool, { table: session }), end: () => pool.end() }
  },

  MongoDB: ({ serverUrl, session }) => {
    const client = new MongoClient(serverUrl)
    return { store: mongoStore(client.db().collection(session)), end: () => client.close() }
  },
}
