import { notAtOnce } from '../src/errors.ts'
import type {
  Change,
  Durability,
  Entry,
  Guard,
  ListOptions,
  Store,
  StoreLimits,
  StoreWarning,
} from '../src/store.ts'
import {
  type Driver,
  type IoredisClient,
  itemsOf,
  type NodeRedisClient,
  type RedisClient,
  textOf,
} from './redis/client.ts'
import { ioredisDriver } from './redis/ioredis.ts'
import { buckets, Layout } from './redis/layout.ts'
import { nodeRedisDriver } from './redis/node-redis.ts'
import { ReplicatedDriver } from './redis/replicated.ts'
import {
  listScript,
  openScript,
  readScript,
  removeScript,
  type Script,
  scopesScript,
  writeScript,
} from './redis/scripts.ts'
import { warningsOf } from './redis/settings.ts'
import { closed, explained, isPermanent, isUnknownScript, kind, trouble } from './redis/trouble.ts'

export type { IoredisClient, NodeRedisClient, RedisClient } from './redis/client.ts'

/** Options of {@link redisStore}. */
export interface RedisStoreOptions {
  /** What every key begins with. Stores with different prefixes share nothing. @default 'authkit:' */
  readonly prefix?: string
  /**
   * A write resolves only when so many replicas have it, too; with fewer it fails after a while. The store makes a
   * connection of its own for that. Not on a Cluster, nor with a pool of clients.
   * @default 0
   */
  readonly replicas?: number
}

/** The version of the layout of keys. */
const schema = 1
/** What the server's limit on one request allows with ease, in changes of a name and a value. */
const batchChanges = 50_000
const usualPageBytes = 1024 * 1024
/** So few bytes hardly a record of a session has: where a page may hold more, that many are enough to fill it. */
const leastRecordBytes = 100
const firstPageRecords = 32
const pageRecords = 500
const pageScopes = 200
/** Buckets that are asked for their scopes at once. */
const bucketsAtOnce = 32

/**
 * Keeps any number of sessions on a Redis or a Redis Cluster, by the caller's client of ioredis or node-redis. A session
 * is one hash; a batch is one script. No key ever expires.
 *
 * @throws TypeError for what is no such client, and for wrong options
 *
 * @example
 * const store = redisStore(new Redis(url), { prefix: 'bots:' })
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): Store {
  return new RedisStore(client, options)
}

class RedisStore implements Store {
  readonly kind = kind
  readonly limits: StoreLimits = { readNames: 10_000, batchBytes: 32 * 1024 * 1024 }
  readonly durability: Durability = 'server'
  readonly identity: readonly unknown[]
  readonly #driver: Driver
  readonly #layout: Layout
  readonly #replicated: ReplicatedDriver | undefined
  #warnings: readonly StoreWarning[] = []

  constructor(client: RedisClient, { prefix = 'authkit:', replicas = 0 }: RedisStoreOptions) {
    const driver = driverOf(client)
    if (typeof prefix !== 'string' || /\p{Surrogate}/u.test(prefix)) {
      throw new TypeError("The option prefix is a text: 'authkit:' for example.")
    }
    if (!Number.isInteger(replicas) || replicas < 0 || replicas > 1000) {
      throw new TypeError('The option replicas is a number of replicas: 0, 1, 2, ...')
    }
    if (replicas > 0 && driver.isCluster) {
      throw new TypeError('The option replicas does not work on a Cluster: leave it out there.')
    }
    if (replicas > 0 && !has(client, 'duplicate')) {
      throw new TypeError(
        'The option replicas does not work with a pool of clients: pass a client of createClient() or new Redis().',
      )
    }
    this.identity = [kind, client, prefix]
    this.#driver = driver
    this.#layout = new Layout(prefix, driver.keyPrefix)
    this.#replicated = replicas > 0 ? new ReplicatedDriver(driver, replicas) : undefined
  }

  get warnings(): readonly StoreWarning[] {
    return this.#warnings
  }

  async open(): Promise<void> {
    try {
      const version = textOf(await this.#run(openScript, [this.#layout.schema], [String(schema)]))
      if (Number(version) > schema) throw newer(version)
      this.#warnings = await warningsOf(this.#driver)
    } catch (error) {
      throw explained(error, 'STORE_UNUSABLE')
    }
  }

  async read(scope: string, names: readonly string[]): Promise<(string | undefined)[]> {
    const values = await this.#reading(readScript, this.#layout.records(scope), names)
    return values.map(value => (value === null ? undefined : textOf(value)))
  }

  async write(scope: string, changes: readonly Change[], guards: readonly Guard[] = []): Promise<boolean> {
    if (changes.length > batchChanges) {
      throw trouble(
        'BATCH_TOO_LARGE',
        `A batch of ${changes.length} changes is more than Redis is given at once (${batchChanges}). Set fewer at a time.`,
      )
    }
    const pairs: string[] = []
    const removed: string[] = []
    for (const { name, value } of changes) {
      if (value === undefined) removed.push(name)
      else pairs.push(name, value)
    }
    const listing = pairs.some((name, at) => at % 2 === 0 && isRecord(name))
      ? '+'
      : removed.some(isRecord)
        ? '-'
        : ''
    return this.#writing(writeScript, scope, guards, [listing, String(pairs.length), ...pairs, ...removed])
  }

  async *list(scope: string, options: ListOptions = {}): AsyncIterable<readonly Entry[]> {
    const { prefix = '', values = false, pageBytes = usualPageBytes, wholeOnly = false } = options
    const key = this.#layout.records(scope)
    const isLarge = pageBytes > usualPageBytes
    const most = isLarge ? Math.ceil(pageBytes / leastRecordBytes) : pageRecords
    let cursor = '0'
    let count = isLarge ? most : firstPageRecords
    do {
      const flags = [flag(values), flag(isLarge && wholeOnly)]
      const args = [cursor, prefix, String(count), String(pageBytes), ...flags]
      const [next, used, ...found] = await this.#reading(listScript, key, args)
      if (textOf(used) === '0') throw notAtOnce(kind, pageBytes)
      const page = entriesOf(found.map(textOf), values)
      if (page.length > 0) yield page
      cursor = textOf(next)
      count = Math.min(Number(textOf(used)) * 2, most)
    } while (cursor !== '0')
  }

  async *scopes(prefix = ''): AsyncIterable<readonly string[]> {
    for (let first = 0; first < buckets; first += bucketsAtOnce) {
      let unread = Array.from({ length: bucketsAtOnce }, (_, at) => ({
        key: this.#layout.bucket(first + at),
        cursor: '0',
      }))
      while (unread.length > 0) {
        const pages = await Promise.all(
          unread.map(async ({ key, cursor }) => {
            const answer = await this.#reading(scopesScript, key, [cursor, prefix, String(pageScopes)])
            const [next = '0', ...scopes] = answer.map(textOf)
            return { key, cursor: next, scopes }
          }),
        )
        const page = pages.flatMap(({ scopes }) => scopes)
        if (page.length > 0) yield page
        unread = pages.filter(({ cursor }) => cursor !== '0')
      }
    }
  }

  async remove(scope: string, guards: readonly Guard[] = []): Promise<boolean> {
    return this.#writing(removeScript, scope, guards, [])
  }

  async close(): Promise<void> {
    this.#replicated?.end()
  }

  isPermanent(error: unknown): boolean {
    return isPermanent(error)
  }

  async #reading(script: Script, key: string, args: readonly string[]): Promise<readonly unknown[]> {
    try {
      return itemsOf(await this.#run(script, [key], args))
    } catch (error) {
      throw explained(error, 'READ_FAILED')
    }
  }

  async #writing(
    script: Script,
    scope: string,
    guards: readonly Guard[],
    rest: readonly string[],
  ): Promise<boolean> {
    const keys = [this.#layout.records(scope), this.#layout.scopesOf(scope)]
    const guarded = guards.flatMap(({ name, value }) => [name, value === undefined ? '0' : '1', value ?? ''])
    const args = [scope, String(guards.length), ...guarded, ...rest]
    try {
      return Number(textOf(await this.#run(script, keys, args, this.#replicated))) === 1
    } catch (error) {
      throw explained(error, 'WRITE_FAILED')
    }
  }

  /** One round trip, and a second the first time that a server sees the script, or after it was restarted. */
  async #run(
    { sha, lua }: Script,
    keys: readonly string[],
    args: readonly string[],
    driver: Pick<Driver, 'evalSha' | 'eval'> = this.#driver,
  ): Promise<unknown> {
    if (this.#driver.isClosed) throw closed()
    try {
      return await driver.evalSha(sha, keys, args)
    } catch (error) {
      if (!isUnknownScript(error)) throw error
      return driver.eval(lua, keys, args)
    }
  }
}

function driverOf(client: RedisClient): Driver {
  if (isIoredis(client)) return ioredisDriver(client)
  // When its connection drops it sends a command again by itself. The first that it sent may arrive after that and
  // after the next batch: an older value over a newer one, under a guard that holds.
  if (has(client, 'getSentinelNode')) {
    throw new TypeError(
      'A redis store can not use what createSentinel() of redis makes, for it repeats commands by itself. ' +
        'Pass new Redis({ sentinels, name }) of ioredis, or a client of createClient() on the master.',
    )
  }
  if (isNodeRedis(client)) return nodeRedisDriver(client)
  throw new TypeError(
    'A redis store needs a client: new Redis() or new Cluster() of ioredis, createClient() or createCluster() of redis.',
  )
}

function isIoredis(client: RedisClient): client is IoredisClient {
  return has(client, 'call', 'duplicate') && 'status' in client
}

function isNodeRedis(client: RedisClient): client is NodeRedisClient {
  return has(client, 'connect', 'evalSha', 'eval', 'configGet') && 'isOpen' in client
}

function has(client: unknown, ...methods: readonly string[]): boolean {
  return methods.every(method => typeof Object(client)[method] === 'function')
}

function isRecord(name: string): boolean {
  return !name.startsWith('!')
}

function flag(isOn: boolean): string {
  return isOn ? '1' : '0'
}

function entriesOf(found: readonly string[], values: boolean): readonly Entry[] {
  if (!values) return found.map(name => ({ name }))
  const entries: Entry[] = []
  for (let at = 0; at < found.length; at += 2)
    entries.push({ name: found[at] ?? '', value: found[at + 1] ?? '' })
  return entries
}

function newer(version: string): Error {
  return trouble(
    'SCHEMA_NEWER',
    `The keys on this Redis have layout ${version}, made by a newer version of baileys-authkit; this one knows ${schema}. Update it here too.`,
  )
}
