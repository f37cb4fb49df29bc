import fs from 'node:fs/promises'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import {
  type AuthenticationState,
  BufferJSON,
  initAuthCreds,
  makeCacheableSignalKeyStore,
  proto,
  type SignalDataTypeMap,
  useMultiFileAuthState,
} from '@whiskeysockets/baileys'
import { type Collection, MongoClient } from 'mongodb'
import { createConnection } from 'mysql2/promise'
import { repository } from '../../test/built.ts'
import { collectingLogger } from '../../test/whatsapp/quiet-logger.ts'
import type { Opened, Opener } from './opened.ts'

/** What others' functions give: at least this. */
interface Theirs {
  readonly state: AuthenticationState
  readonly saveCreds: () => Promise<unknown>
}

const ownRequire = createRequire(join(repository, 'bench/peers/package.json'))

/** Baileys' own function, as its README has it. */
export const openBaileysFiles: Opener = async ({ folder }) => {
  const fileCalls = countFileCalls()
  return { ...openedOf(await useMultiFileAuthState(folder)), roundTrips: fileCalls }
}

/** The same behind Baileys' own cache, as its example bot has it. */
export const openCachedBaileysFiles: Opener = async place => {
  const opened = await openBaileysFiles(place)
  const { creds, keys } = opened.state
  return { ...opened, state: { creds, keys: makeCacheableSignalKeyStore(keys, collectingLogger()) } }
}

export const openRedisBaileys: Opener = async ({ serverUrl, session }) => {
  const { useRedisAuthState } = load<{
    useRedisAuthState(config: { host: string; port: number }, session: string): Promise<Theirs>
  }>('redis-baileys')
  const { hostname, port } = new URL(serverUrl)
  return openedOf(await useRedisAuthState({ host: hostname, port: Number(port) }, session))
}

export const openRodrigogs: Opener = async ({ serverUrl, session }) => {
  const { makeKeyvAuthState } = load<{
    makeKeyvAuthState(store: object, session: string): Promise<Theirs>
  }>('@rodrigogs/baileys-store')
  const { Keyv } = load<{ Keyv: new (options: object) => object }>('keyv')
  const { default: KeyvRedis } = load<{ default: new (url: string) => object }>('@keyv/redis')
  const store = new Keyv({ store: new KeyvRedis(serverUrl), namespace: session })
  return openedOf(await makeKeyvAuthState(store, session))
}

export const openLuoarchRedis: Opener = async ({ serverUrl, session }) => {
  const { useRedisAuthState } = load<{ useRedisAuthState(options: object): Promise<Theirs> }>(
    '@luoarch/baileys-store-core/redis',
  )
  return openedOf(
    await useRedisAuthState({
      sessionId: session,
      redis: { redisUrl: serverUrl, ttl: luoarchTtl, resilience: luoarchResilience },
    }),
  )
}

/** With encryption, since without it nothing can be read back. */
export const openLuoarchMongo: Opener = async ({ serverUrl, session }) => {
  const { useMongoAuthState } = load<{ useMongoAuthState(options: object): Promise<Theirs> }>(
    '@luoarch/baileys-store-core/mongodb',
  )
  return openedOf(
    await useMongoAuthState({
      sessionId: session,
      mongodb: {
        mongoUrl: serverUrl,
        databaseName: new URL(serverUrl).pathname.slice(1),
        collectionName: session,
        ttl: luoarchTtl,
        resilience: luoarchResilience,
      },
      enableEncryption: true,
      masterKey,
    }),
  )
}

/** On a table that was made by its README's statement for InnoDB: its own default, MyISAM, is not durable. */
export const openMySQLBaileys: Opener = async ({ serverUrl, session }) => {
  const { useMySQLAuthState } = load<{ useMySQLAuthState(config: object): Promise<Theirs> }>('mysql-baileys')
  const connection = await createConnection(serverUrl)
  await connection.query(
    `create table if not exists ${session} (session varchar(50) not null, id varchar(100) not null,
      value longtext default null, unique key idxunique (session, id), key idxsession (session), key idxid (id))
      engine=InnoDB`,
  )
  await connection.end()
  const { hostname, port, username, password, pathname } = new URL(serverUrl)
  return openedOf(
    await useMySQLAuthState({
      session,
      host: hostname,
      port: Number(port),
      user: username,
      password,
      database: pathname.slice(1),
      tableName: session,
    }),
  )
}

export const openMongoBaileys: Opener = async ({ serverUrl, session }) => {
  const { useMongoDBAuthState } = load<{
    useMongoDBAuthState(collection: Collection): Promise<Theirs>
  }>('mongo-baileys')
  const client = new MongoClient(serverUrl, durable)
  return openedOf(await useMongoDBAuthState(client.db().collection(session)))
}

/** The function that the usual guides have bots write: one `updateOne` or `findOne` for each id. */
export const openGuidesMongo: Opener = async ({ serverUrl, session }) => {
  const client = new MongoClient(serverUrl, durable)
  const collection = client.db().collection<{ _id: string; value: string }>(session)
  const writeData = (data: unknown, id: string) => {
    const value = JSON.stringify(data, BufferJSON.replacer)
    return collection.updateOne({ _id: id }, { $set: { value } }, { upsert: true })
  }
  const readData = async (id: string) => {
    const document = await collection.findOne({ _id: id })
    return document && JSON.parse(document.value, BufferJSON.reviver)
  }
  const creds = (await readData('creds')) ?? initAuthCreds()
  const keys: AuthenticationState['keys'] = {
    async get<T extends keyof SignalDataTypeMap>(type: T, ids: string[]) {
      const data: { [id: string]: SignalDataTypeMap[T] } = {}
      await Promise.all(
        ids.map(async id => {
          const value = await readData(`${type}-${id}`)
          data[id] =
            type === 'app-state-sync-key' && value
              ? proto.Message.AppStateSyncKeyData.fromObject(value)
              : value
        }),
      )
      return data
    },
    async set(data) {
      const tasks = Object.entries(data).flatMap(([type, values]) =>
        Object.entries(values).map(([id, value]) =>
          value ? writeData(value, `${type}-${id}`) : collection.deleteOne({ _id: `${type}-${id}` }),
        ),
      )
      await Promise.all(tasks)
    },
  }
  return { state: { creds, keys }, saveCreds: () => writeData(creds, 'creds'), close: () => client.close() }
}

/** As durable as ours: so MongoDB's own default write concern is on a replica set. */
const durable = { writeConcern: { w: 'majority', journal: true } } as const

const masterKey = '42'.repeat(32)
const days30 = 30 * 24 * 60 * 60
const luoarchResilience = { operationTimeout: 5_000, maxRetries: 3, retryBaseDelay: 100, retryMultiplier: 2 }
const luoarchTtl = { defaultTtl: days30, credsTtl: days30, keysTtl: days30, lockTtl: 5 }

/** A package of bench/peers. */
function load<T>(name: string): T {
  // What it exports is written down where it is asked for.
  return ownRequire(name) as T
}

/** Most of them have no way to close; the process ends. */
function openedOf({ state, saveCreds }: Theirs): Opened {
  return { state, saveCreds, close: async () => {} }
}

/** From now on counts each reading, writing and deletion of a file by `node:fs/promises`. */
function countFileCalls(): () => number {
  let calls = 0
  for (const name of ['readFile', 'writeFile', 'unlink'] as const) {
    const original = fs[name]
    Object.assign(fs, {
      [name]: (...args: never[]) => {
        calls += 1
        return Reflect.apply(original, fs, args)
      },
    })
  }
  syncBuiltinESMExports()
  return () => calls
}
