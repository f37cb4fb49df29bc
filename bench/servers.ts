import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { Keeper, type SharedServer } from '../test/servers/keeper.ts'
import type { ServerName } from '../test/servers/server.ts'

/** The servers that a benchmark runs on: this machine's own programs, each started when it is first asked for. */
export class Servers implements AsyncDisposable {
  readonly #keeper: Keeper = new Keeper()
  readonly #redis: Map<string, Promise<void>> = new Map()

  async get(name: ServerName): Promise<SharedServer> {
    const server = await this.#keeper.get(name)
    // What somebody else's server is set to is not ours to change.
    if (name !== 'redis' || process.env.REDIS_URL) return server
    const { url, title } = server
    const set = this.#redis.get(url) ?? everySecond(url)
    this.#redis.set(url, set)
    await set
    return { url, title: `${title}, appendfsync everysec` }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#keeper[Symbol.asyncDispose]()
  }
}

/** Deletes what a place on a server was filled with: the table, the collection, all keys with its name in theirs. */
export async function erase(name: ServerName, url: string, place: string): Promise<void> {
  await erasers[name]?.(url, place)
}

const erasers: { readonly [name in ServerName]?: (url: string, place: string) => Promise<void> } = {
  async postgres(url, place) {
    const client = new pg.Client(url)
    await client.connect()
    await client.query(`drop table if exists ${client.escapeIdentifier(place)}`).finally(() => client.end())
  },
  async mysql(url, place) {
    const connection = await createConnection(url)
    await connection.query('drop table if exists ??', [place]).finally(() => connection.end())
  },
  async redis(url, place) {
    const client = new Redis(url)
    let cursor = '0'
    do {
      const [next, keys] = await client.scan(cursor, 'MATCH', `*${place}*`, 'COUNT', 1_000)
      if (keys.length > 0) await client.del(...keys)
      cursor = next
    } while (cursor !== '0')
    client.disconnect()
  },
  async mongodb(url, place) {
    const client = new MongoClient(url)
    await client
      .db()
      .dropCollection(place)
      .finally(() => client.close())
  },
}

/** What Redis' own documentation recommends, and what most who keep data in it have: the last second may be lost. */
async function everySecond(url: string): Promise<void> {
  const client = new Redis(url)
  await client.config('SET', 'appendfsync', 'everysec')
  client.disconnect()
}
