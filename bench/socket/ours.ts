import type { AuthenticationState } from '@whiskeysockets/baileys'
import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { createPool } from 'mysql2/promise'
import pg from 'pg'
import { type AuthState, useAuthState } from '../../src/auth-state.ts'
import { useMongoAuthState } from '../../src/entries/mongodb.ts'
import { multiFileStore } from '../../src/entries/multi-file.ts'
import { useMySQLAuthState } from '../../src/entries/mysql.ts'
import { usePostgresAuthState } from '../../src/entries/postgres.ts'
import { useRedisAuthState } from '../../src/entries/redis.ts'
import { sqliteStore } from '../../src/entries/sqlite.ts'
import type { Store } from '../../src/store.ts'
import type { Opened, Opener } from './opened.ts'

/** Ours, each as README has it, and no option but those that name the place. */
export const openFiles: Opener = ({ folder, session }) => openCounted(multiFileStore(folder), session)

export const openRelaxedFiles: Opener = ({ folder, session }) =>
  openCounted(multiFileStore(folder, { durability: 'relaxed' }), session)

export const openSqlite: Opener = ({ folder, session }) =>
  openCounted(sqliteStore(`${folder}/bots.db`), session)

export const openRelaxedSqlite: Opener = ({ folder, session }) =>
  openCounted(sqliteStore(`${folder}/bots.db`, { durability: 'relaxed' }), session)

export const openRedis: Opener = async ({ serverUrl, session }) => {
  const client = new Redis(serverUrl)
  return openedOf(await useRedisAuthState(client, { session, prefix: `${session}:` }), async () =>
    client.disconnect(),
  )
}

export const openPostgres: Opener = async ({ serverUrl, session }) => {
  const pool = new pg.Pool({ connectionString: serverUrl })
  return openedOf(await usePostgresAuthState(pool, { session, table: session }), () => pool.end())
}

export const openMySQL: Opener = async ({ serverUrl, session }) => {
  const pool = createPool({ uri: serverUrl })
  return openedOf(await useMySQLAuthState(pool, { session, table: session }), () => pool.end())
}

export const openMongoDB: Opener = async ({ serverUrl, session }) => {
  const client = new MongoClient(serverUrl)
  const collection = client.db().collection(session)
  return openedOf(await useMongoAuthState(collection, { session }), () => client.close())
}

function openedOf(auth: AuthState, end: () => Promise<void>): Opened {
  return {
    // Baileys 7's own types name fields that ours leave open.
    state: auth.state as AuthenticationState,
    saveCreds: () => auth.saveCreds(),
    async close() {
      await auth.close()
      await end()
    },
  }
}

/** Each call of a store is one round trip of those that have a server, by its contract. */
async function openCounted(store: Store, session: string): Promise<Opened> {
  let calls = 0
  const counted: Store = {
    kind: store.kind,
    get identity() {
      return store.identity
    },
    limits: store.limits,
    durability: store.durability,
    open: () => store.open(),
    read(...args) {
      calls += 1
      return store.read(...args)
    },
    write(...args) {
      calls += 1
      return store.write(...args)
    },
    list: (...args) => store.list(...args),
    scopes: (...args) => store.scopes(...args),
    remove: (...args) => store.remove(...args),
    close: () => store.close(),
    ...(store.isPermanent ? { isPermanent: error => store.isPermanent?.(error) ?? false } : {}),
  }
  const auth = await useAuthState(counted, { session })
  return { ...openedOf(auth, () => store.close()), roundTrips: () => calls }
}
