import { open as openFile } from 'node:fs/promises'
import {
  type AuthenticationState,
  initAuthCreds,
  type SignalDataSet,
  type SignalDataTypeMap,
} from '@whiskeysockets/baileys'
import Database from 'better-sqlite3'
import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { createPool } from 'mysql2/promise'
import pg from 'pg'
import type { Opened, Opener } from './opened.ts'

/**
 * What a bound writes for each `set`: about as much as one session's record, and never the same, since SQLite and InnoDB
 * write nothing where nothing changes. Making it costs nothing.
 */
let lastNumber = 0
const filling = 'x'.repeat(988)
function nextText(): string {
  lastNumber += 1
  return `"${String(lastNumber).padStart(10, '0')}${filling}"`
}

/** Auth state in a plain Map, by reference: what Baileys itself costs. */
export const openMap: Opener = async () => ({
  ...(await boundBy({ write: async () => {}, close: async () => {} })),
  roundTrips: () => 0,
})

/** The Map, and for each `set` one raw durable write by the bare driver, of one row named for the set's first record. */
export const openFilesBound: Opener = ({ folder }) => filesBound(folder, true)

export const openRelaxedFilesBound: Opener = ({ folder }) => filesBound(folder, false)

export const openSqliteBound: Opener = ({ folder }) => sqliteBound(folder, 'FULL')

export const openRelaxedSqliteBound: Opener = ({ folder }) => sqliteBound(folder, 'NORMAL')

export const openRedisBound: Opener = async ({ serverUrl, session }) => {
  const client = new Redis(serverUrl)
  return boundBy({
    write: name => client.hset(session, name, nextText()),
    close: async () => client.disconnect(),
  })
}

export const openPostgresBound: Opener = async ({ serverUrl, session }) => {
  const pool = new pg.Pool({ connectionString: serverUrl })
  await pool.query(`create table ${session} (name text primary key, value text)`)
  const upsert = `insert into ${session} values ($1, $2) on conflict (name) do update set value = excluded.value`
  return boundBy({ write: name => pool.query(upsert, [name, nextText()]), close: () => pool.end() })
}

export const openMySQLBound: Opener = async ({ serverUrl, session }) => {
  const pool = createPool({ uri: serverUrl })
  await pool.query(`create table ${session} (name varchar(400) primary key, value longtext) engine=InnoDB`)
  const upsert = `insert into ${session} values (?, ?) on duplicate key update value = values(value)`
  return boundBy({ write: name => pool.query(upsert, [name, nextText()]), close: () => pool.end() })
}

export const openMongoDBBound: Opener = async ({ serverUrl, session }) => {
  const client = new MongoClient(serverUrl)
  const collection = client
    .db()
    .collection<{ _id: string; value: string }>(session, { writeConcern: { w: 'majority', journal: true } })
  return boundBy({
    write: name => collection.updateOne({ _id: name }, { $set: { value: nextText() } }, { upsert: true }),
    close: () => client.close(),
  })
}

async function filesBound(folder: string, isDurable: boolean): Promise<Opened> {
  const file = await openFile(`${folder}/log`, 'a')
  return boundBy({
    async write() {
      await file.write(nextText())
      if (isDurable) await file.datasync()
    },
    close: () => file.close(),
  })
}

async function sqliteBound(folder: string, synchronous: string): Promise<Opened> {
  const database = new Database(`${folder}/bound.db`)
  database.pragma('page_size = 16384')
  database.pragma('journal_mode = WAL')
  database.pragma(`synchronous = ${synchronous}`)
  database.exec('create table records (name text primary key, value text) without rowid')
  const upsert = database.prepare(
    'insert into records values (?, ?) on conflict (name) do update set value = excluded.value',
  )
  return boundBy({
    write: async name => upsert.run(name, nextText()),
    close: async () => {
      database.close()
    },
  })
}

async function boundBy(driver: {
  write(name: string): Promise<unknown>
  close(): Promise<void>
}): Promise<Opened> {
  const records = new Map<string, unknown>()
  let writes = 0
  const write = (name: string) => {
    writes += 1
    return driver.write(name)
  }
  const state: AuthenticationState = {
    creds: initAuthCreds(),
    keys: {
      async get<T extends keyof SignalDataTypeMap>(type: T, ids: string[]) {
        const found: { [id: string]: unknown } = {}
        for (const id of ids) found[id] = records.get(`${type}/${id}`) ?? null
        // What was stored under a type is of that type; null is what Baileys' own function gives for what is absent.
        return found as { [id: string]: SignalDataTypeMap[T] }
      },
      async set(data: SignalDataSet) {
        let first: string | undefined
        for (const [type, values] of Object.entries(data)) {
          for (const [id, value] of Object.entries(values)) {
            const name = `${type}/${id}`
            first ??= name
            if (value === null) records.delete(name)
            else records.set(name, value)
          }
        }
        if (first !== undefined) await write(first)
      },
    },
  }
  return { state, saveCreds: () => write('creds'), close: () => driver.close(), roundTrips: () => writes }
}
