import assert from 'node:assert/strict'
import { Redis } from 'ioredis'
import { redisStore } from '../../adapters/redis.ts'
import { useRedisAuthState } from '../../src/entries/redis.ts'
import type { Store } from '../../src/store.ts'
import { type RedisServer, redis, startRedis } from '../servers/redis.ts'
import { freshPrefix } from './redis-backend.ts'
import { assertRoundTrips } from './redis-round-trips.ts'

let server: RedisServer
let admin: Redis
let client: Redis
let prefix: string

beforeAll(async () => {
  const program = await redis.find()
  assert.ok(program, 'these tests count what a server of their own does: apt-get install redis-server')
  server = await startRedis(program)
  admin = new Redis(server.url)
  client = new Redis(server.url)
})
afterAll(async () => {
  await Promise.all([admin.quit(), client.quit()])
  await server.stop()
})
beforeEach(() => {
  prefix = freshPrefix()
})

describe('round trips', () => {
  test('a whole session of 10,000 records is one', async () => {
    const store = redisStore(client, { prefix })
    await store.open()
    for (let from = 0; from < 10_000; from += 1_000)
      await store.write(
        'shop',
        Array.from({ length: 1_000 }, (_, at) => ({ name: `session/${from + at}`, value: 'x'.repeat(200) })),
      )
    const listing = async () => {
      let records = 0
      for await (const page of store.list('shop', { values: true, pageBytes: 16 * 1024 * 1024 }))
        records += page.length
      assert.equal(records, 10_000)
    }
    await listing()
    assert.deepEqual(await asked(listing), ['evalsha'])
    const options = { values: true, pageBytes: 1.5 * 1024 * 1024, wholeOnly: true }
    const tooLarge = () =>
      assert.rejects(async () => store.list('shop', options)[Symbol.asyncIterator]().next())
    assert.deepEqual(await asked(tooLarge), ['evalsha'])
  })

  test('a get of 1, 100 or 1,000 ids is one, a set of 1 or 812 is one, and a cached get is none', async () => {
    // No heartbeat of its comes between.
    const lease = { ttlMs: 3_600_000 }
    const cache = { preload: false }
    const auth = await useRedisAuthState(client, { session: 'shop', prefix, lease, cache, logger: false })
    await auth.saveCreds()
    await assertRoundTrips(auth.state.keys, asked)
    await auth.close()
  })

  test('sessions that are idle ask nothing but one heartbeat a period for all of them', async () => {
    const lease = { ttlMs: 4_000 }
    const opened = []
    for (const session of ['one', 'two', 'three', 'four']) {
      const auth = await useRedisAuthState(client, { session, prefix, lease, logger: false })
      await auth.saveCreds()
      opened.push(auth)
    }
    const commands = await asked(() => new Promise(resolve => setTimeout(resolve, 4_000)))
    assert.ok(commands.length >= 2 && commands.length <= 6, `${commands.length} in four seconds`)
    assert.ok(commands.every(command => command === 'evalsha'))
    await Promise.all(opened.map(auth => auth.close()))
  })

  test('after the server has forgotten its scripts a call is two, and the next is one again', async () => {
    const store = await opened()
    await store.read('shop', ['creds'])
    await admin.script('FLUSH')
    assert.deepEqual(await asked(() => store.read('shop', ['creds'])), ['evalsha', 'eval'])
    assert.deepEqual(await asked(() => store.read('shop', ['creds'])), ['evalsha'])
    const write = () => store.write('shop', [{ name: 'creds', value: 'c' }])
    assert.deepEqual(await asked(write), ['evalsha', 'eval'])
    assert.deepEqual(await asked(write), ['evalsha'])
  })
})

describe('memory', () => {
  test('a list of records of 100 kB comes in pages of about a megabyte', async () => {
    const store = await opened()
    // Small ones first, and large ones among many small ones: what a page holds can't be known from the one before.
    for (let at = 0; at < 200; at += 20) {
      const part = Array.from({ length: 20 }, (_, offset) => {
        const isLarge = (at + offset) % 2 === 0
        return { name: `session/${at + offset}`, value: 'x'.repeat(isLarge ? 100_000 : 100) }
      })
      await store.write('large', part)
    }
    const found = new Set<string>()
    let largest = 0
    for await (const page of store.list('large', { values: true })) {
      for (const { name } of page) found.add(name)
      largest = Math.max(
        largest,
        page.reduce((sum, { value = '' }) => sum + value.length, 0),
      )
    }
    assert.equal(found.size, 200)
    assert.ok(largest <= 1024 * 1024, `a page of ${largest} bytes`)
  })

  test('one record larger than a page is listed', async () => {
    const store = await opened()
    await store.write('huge', [{ name: 'session/1', value: 'x'.repeat(5_000_000) }])
    for await (const [entry] of store.list('huge', { values: true })) {
      assert.equal(entry?.value?.length, 5_000_000)
    }
  })

  test('a batch of 50,000 changes lands, and one more is BATCH_TOO_LARGE', async () => {
    const store = await opened()
    const changes = Array.from({ length: 50_000 }, (_, at) => ({ name: `pre-key/${at}`, value: `${at}` }))
    assert.equal(await store.write('wide', changes), true)
    assert.deepEqual(await store.read('wide', ['pre-key/0', 'pre-key/49999']), ['0', '49999'])
    const refused = await store
      .write('wide', [...changes, { name: 'creds', value: 'c' }])
      .catch(error => error)
    assert.equal(refused.code, 'BATCH_TOO_LARGE')
    assert.equal(store.isPermanent?.(refused), true)
    assert.equal(
      await store.write(
        'wide',
        changes.map(({ name }) => ({ name, value: undefined })),
      ),
      true,
    )
    assert.deepEqual(await store.read('wide', ['pre-key/0']), [undefined])
  })
})

describe('a place with 2,000 other sessions', () => {
  const sessions = 2000
  const records = 60

  test('costs the same commands for each operation as an empty one, and none that walks over keys', async () => {
    const store = await opened()
    const alone = await costs(store)
    for (let at = 0; at < sessions; at += 50) {
      await Promise.all(
        Array.from({ length: 50 }, (_, offset) => {
          const changes = Array.from({ length: records }, (_, record) => ({
            name: `pre-key/${record}`,
            value: 'x'.repeat(60),
          }))
          return store.write(`other-${at + offset}`, [{ name: '!fence', value: 'f' }, ...changes])
        }),
      )
    }
    const among = await costs(store)
    assert.deepEqual(among, alone)
    assert.deepEqual(among.write, { evalsha: 1, hget: 1, sadd: 1, hset: 1 })
    assert.deepEqual(among.removeRecord, { evalsha: 1, hget: 1, hdel: 1, hscan: 1 })
    const used = new Set(Object.values(among).flatMap(counts => Object.keys(counts)))
    for (const walk of ['keys', 'scan', 'smembers', 'hgetall', 'hkeys', 'hvals'])
      assert.ok(!used.has(walk), walk)

    const scopes: string[] = []
    const listing = await counted(async () => {
      for await (const page of store.scopes()) scopes.push(...page)
    })
    assert.equal(new Set(scopes).size, sessions)
    // One for each bucket, and one look at each session's hash.
    assert.equal(listing.evalsha, 256)
    assert.equal(listing.sscan, 256)
    assert.equal(listing.exists, sessions)
  }, 60_000)
})

/** What the server does for one of each operation. */
async function costs(store: Store): Promise<{ [operation: string]: { [command: string]: number } }> {
  const guard = [{ name: '!fence', value: 'f' }]
  const run = {
    first: () =>
      store.write('shop', [...guard, { name: 'creds', value: 'c' }], [{ name: '!fence', value: undefined }]),
    write: () => store.write('shop', [{ name: 'session/1', value: 's' }], guard),
    read: () => store.read('shop', ['!fence', 'creds', 'session/1', 'absent']),
    list: async () => {
      for await (const _ of store.list('shop', { values: true }));
    },
    removeRecord: () => store.write('shop', [{ name: 'session/1', value: undefined }], guard),
    remove: () => store.remove('shop', guard),
  }
  const found: { [operation: string]: { [command: string]: number } } = {}
  for (const [name, operation] of Object.entries(run)) {
    await operation()
    if (name === 'first' || name === 'remove') await store.remove('shop')
    if (name === 'remove') await run.first()
    found[name] = await counted(operation)
  }
  return found
}

/** How often each command ran on the server meanwhile, those inside scripts too. */
async function counted(work: () => Promise<unknown>): Promise<{ [command: string]: number }> {
  await admin.config('RESETSTAT')
  await work()
  const stats = await admin.info('commandstats')
  const counts = Array.from(stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm), ([, name = '', calls]) => [
    name.replace('|', ' '),
    Number(calls),
  ])
  return Object.fromEntries(counts.filter(([name]) => !/^(config|info)/.test(String(name))))
}

/** What the client asked meanwhile, as the server saw it come. */
async function asked(work: () => Promise<unknown>): Promise<string[]> {
  const monitor = await admin.monitor()
  const commands: string[] = []
  monitor.on('monitor', (_time: string, [command = '']: string[], source: string) => {
    if (source !== 'lua') commands.push(command.toLowerCase())
  })
  await work()
  // What was asked before this has been told before it.
  await client.echo('end')
  while (!commands.includes('echo')) await new Promise(resolve => setTimeout(resolve, 5))
  monitor.disconnect()
  return commands.slice(0, commands.indexOf('echo'))
}

async function opened(): Promise<Store> {
  const store = redisStore(client, { prefix })
  await store.open()
  return store
}
