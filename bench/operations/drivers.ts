import { mkdir, open as openFile, readdir, readFile, writeFile } from 'node:fs/promises'
import Database from 'better-sqlite3'
import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { createPool } from 'mysql2/promise'
import pg from 'pg'
import type { DurableBackend } from '../backends.ts'
import type { Place } from '../places.ts'

/** A record as it is kept. */
export interface Row {
  readonly name: string
  readonly value: string
}

/** What a backend's bare driver does with rows, by the shortest way that is durable: the least that a store can cost. */
export interface Driver {
  setOne(row: Row): unknown
  /** By its best bulk write. */
  setMany(rows: readonly Row[]): unknown
  /** Puts rows where they are read, if that is not where they are set. */
  fill?(rows: readonly Row[]): Promise<void>
  getOne(name: string): unknown
  getMany(names: readonly string[]): unknown
  /** All rows that there are; their count. */
  readAll(): Promise<number> | number
  end(): Promise<void>
}

const scope = 'shop-1'

/** The drivers, each on a table, collection, hash or folder of its own in a place. */
export const drivers: { readonly [backend in DurableBackend]: (place: Place) => Promise<Driver> } = {
  /** One append and one fdatasync; rows that are read lie in a file each. */
  async files({ folder }) {
    const rows = `${folder}/driver`
    await mkdir(rows)
    const log = await openFile(`${folder}/driver.log`, 'a')
    const append = async (text: string) => {
      await log.write(text)
      await log.datasync()
    }
    const read = (file: string) => readFile(`${rows}/${file}`, 'utf8').catch(() => undefined)
    return {
      setOne: ({ value }) => append(value),
      async setMany(many) {
        await append(many.map(({ value }) => value).join('\n'))
        // For those who read: not part of what has to be durable.
        if (many.length > batch)
          await inBatches(many, row => writeFile(`${rows}/${fileOf(row.name)}`, row.value))
      },
      getOne: name => read(fileOf(name)),
      getMany: names => Promise.all(names.map(name => read(fileOf(name)))),
      async readAll() {
        const files = await readdir(rows)
        await inBatches(files, read)
        return files.length
      },
      end: () => log.close(),
    }
  },

  async SQLite({ folder }) {
    const database = new Database(`${folder}/driver.db`)
    database.pragma('page_size = 16384')
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    database.exec(
      'create table records (scope text, name text, value text, primary key (scope, name)) without rowid',
    )
    const upsert = database.prepare(
      'insert into records values (?, ?, ?) on conflict (scope, name) do update set value = excluded.value',
    )
    const one = database.prepare('select value from records where scope = ? and name = ?')
    const some = database.prepare(
      'select name, value from records where scope = ? and name in (select value from json_each(?))',
    )
    const all = database.prepare('select name, value from records where scope = ?')
    return {
      setOne: ({ name, value }) => upsert.run(scope, name, value),
      setMany: database.transaction((rows: readonly Row[]) => {
        for (const { name, value } of rows) upsert.run(scope, name, value)
      }),
      getOne: name => one.get(scope, name),
      getMany: names => some.all(scope, JSON.stringify(names)),
      readAll: () => all.all(scope).length,
      end: async () => {
        database.close()
      },
    }
  },

  async Redis({ serverUrl, session }) {
    const client = new Redis(serverUrl)
    const key = `${session}:driver`
    return {
      setOne: ({ name, value }) => client.hset(key, name, value),
      setMany: rows => client.hset(key, ...rows.flatMap(({ name, value }) => [name, value])),
      getOne: name => client.hget(key, name),
      getMany: names => client.hmget(key, ...names),
      readAll: async () => Object.keys(await client.hgetall(key)).length,
      end: async () => client.disconnect(),
    }
  },

  async PostgreSQL({ serverUrl, session }) {
    const pool = new pg.Pool({ connectionString: serverUrl })
    const table = `${session}_driver`
    await pool.query(
      `create table ${table} (scope text collate "C", name text collate "C", value text, primary key (scope, name))`,
    )
    const conflict = 'on conflict (scope, name) do update set value = excluded.value'
    return {
      setOne: ({ name, value }) =>
        pool.query(`insert into ${table} values ($1, $2, $3) ${conflict}`, [scope, name, value]),
      setMany: rows =>
        pool.query(`insert into ${table} select $1, * from unnest($2::text[], $3::text[]) ${conflict}`, [
          scope,
          rows.map(({ name }) => name),
          rows.map(({ value }) => value),
        ]),
      getOne: name => pool.query(`select value from ${table} where scope = $1 and name = $2`, [scope, name]),
      getMany: names =>
        pool.query(`select name, value from ${table} where scope = $1 and name = any($2)`, [scope, names]),
      async readAll() {
        const { rows } = await pool.query(`select name, value from ${table} where scope = $1`, [scope])
        return rows.length
      },
      async end() {
        await pool.query(`drop table ${table}`)
        await pool.end()
      },
    }
  },

  async MySQL({ serverUrl, session }) {
    const pool = createPool({ uri: serverUrl })
    const table = `${session}_driver`
    await pool.query(
      `create table ${table} (scope varchar(200) collate ascii_bin, name varchar(400) collate ascii_bin, value longtext, primary key (scope, name)) engine=InnoDB`,
    )
    const upsert = `insert into ${table} values ? on duplicate key update value = values(value)`
    const valuesOf = (rows: readonly Row[]) => [rows.map(({ name, value }) => [scope, name, value])]
    return {
      setOne: row => pool.query(upsert, valuesOf([row])),
      setMany: rows => pool.query(upsert, valuesOf(rows)),
      getOne: name => pool.query(`select value from ${table} where scope = ? and name = ?`, [scope, name]),
      getMany: names =>
        pool.query(`select name, value from ${table} where scope = ? and name in (?)`, [scope, names]),
      async readAll() {
        const [rows] = await pool.query(`select name, value from ${table} where scope = ?`, [scope])
        return Array.isArray(rows) ? rows.length : 0
      },
      async end() {
        await pool.query(`drop table ${table}`)
        await pool.end()
      },
    }
  },

  async MongoDB({ serverUrl, session }) {
    const client = new MongoClient(serverUrl)
    const collection = client
      .db()
      .collection<{ _id: string; scope: string; value: string }>(`${session}_driver`, {
        writeConcern: { w: 'majority', journal: true },
      })
    const update = ({ name, value }: Row) => ({
      filter: { _id: `${scope}/${name}` },
      update: { $set: { scope, value } },
      upsert: true,
    })
    const range = { _id: { $gte: `${scope}/`, $lt: `${scope}0` } }
    return {
      setOne: row => {
        const { filter, update: change, ...options } = update(row)
        return collection.updateOne(filter, change, options)
      },
      setMany: rows =>
        collection.bulkWrite(
          rows.map(row => ({ updateOne: update(row) })),
          { ordered: false },
        ),
      getOne: name => collection.findOne({ _id: `${scope}/${name}` }),
      getMany: names => collection.find({ _id: { $in: names.map(name => `${scope}/${name}`) } }).toArray(),
      readAll: async () => (await collection.find(range, { batchSize: 1_000_000 }).toArray()).length,
      async end() {
        await collection.drop()
        await client.close()
      },
    }
  },
}

const batch = 100

/** So many at once that the thread pool has always something to do, and no more. */
async function inBatches<T>(items: readonly T[], run: (item: T) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < items.length; from += batch)
    await Promise.all(items.slice(from, from + batch).map(run))
}

/** As Baileys has them. */
function fileOf(name: string): string {
  return `${name.replaceAll('/', '__')}.json`
}
