import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis-5'
import { createClient, createCluster } from 'redis'
import { createClient as createClient5 } from 'redis-5'
import { type RedisClient, redisStore } from '../../adapters/redis.ts'
import { useRedisAuthState } from '../../src/entries/redis.ts'
import type { Store } from '../../src/store.ts'
import { type RedisServer, redis, startRedis } from '../servers/redis.ts'
import { freshPrefix } from './redis-backend.ts'

let master: RedisServer
let replica: RedisServer
let admin: Redis

beforeAll(async () => {
  const program = await redis.find()
  assert.ok(program, 'these tests stop a replica of their own for a while: apt-get install redis-server')
  master = await startRedis(program)
  replica = await startRedis(program, ['--replicaof', '127.0.0.1', new URL(master.url).port])
  admin = new Redis(master.url)
  await admin.config('SET', 'repl-diskless-sync-delay', '0')
  await following()
}, 60_000)
afterAll(async () => {
  admin.disconnect()
  await replica.stop()
  await master.stop()
})

const clients: readonly [string, () => Promise<{ client: RedisClient; end(): unknown }>][] = [
  ['ioredis 5', async () => viaIoredis(new Redis5(master.url))],
  ['ioredis 6, connecting late', async () => viaIoredis(new Redis(master.url, { lazyConnect: true }))],
  ['node-redis 5', async () => viaNodeRedis(createClient5({ url: master.url }))],
  ['node-redis 6', async () => viaNodeRedis(createClient({ url: master.url }))],
]

/** How the server is told to refuse further connections, and to take them again. */
const refusals: readonly [string, () => Promise<unknown>, () => Promise<unknown>][] = [
  [
    'a server whose password was changed',
    () => admin.config('SET', 'requirepass', 'rotated'),
    () => admin.config('SET', 'requirepass', ''),
  ],
  [
    'a server that has as many clients as it takes',
    async () => admin.config('SET', 'maxclients', (await connections()).length + 1),
    () => admin.config('SET', 'maxclients', '1000'),
  ],
]

describe.each(clients)('%s', (_name, connecting) => {
  let client: RedisClient
  let end: () => unknown
  beforeAll(async () => {
    ;({ client, end } = await connecting())
  })
  afterAll(() => end())

  test('a write resolves when the replica has it, and is unknown while the replica is stopped', async () => {
    const prefix = freshPrefix()
    const store = redisStore(client, { prefix, replicas: 1 })
    await store.open()
    assert.equal(await store.write('shop', [{ name: 'creds', value: 'first' }]), true)
    process.kill(replica.pid, 'SIGSTOP')
    try {
      const refused = await store.write('shop', [{ name: 'creds', value: 'second' }]).catch(error => error)
      assert.equal(refused.code, 'WRITE_FAILED')
      assert.match(refused.message, /0 of 1 replicas/)
      assert.equal(store.isPermanent?.(refused), false)
    } finally {
      process.kill(replica.pid, 'SIGCONT')
    }
    assert.equal(await store.write('shop', [{ name: 'creds', value: 'second' }]), true)
    // A guard that does not hold changes nothing, so no replica need have it.
    process.kill(replica.pid, 'SIGSTOP')
    try {
      const wrong = [{ name: '!fence', value: 'f' }]
      assert.equal(await store.write('shop', [{ name: 'creds', value: 'third' }], wrong), false)
    } finally {
      process.kill(replica.pid, 'SIGCONT')
    }
    await store.close()
  }, 30_000)

  test('it waits on a connection of its own, in the same round trip, and ends that', async () => {
    const before = new Set(await connections())
    const own = async () => (await connections()).filter(id => !before.has(id))
    const store = redisStore(client, { prefix: freshPrefix(), replicas: 1 })
    await store.open()
    await store.write('shop', [{ name: 'creds', value: 'c' }])
    await store.read('shop', ['creds'])
    assert.equal((await own()).length, 1)
    const monitor = await admin.monitor()
    const seen: string[][] = []
    monitor.on('monitor', (_time: string, [command = '']: string[], source: string) => {
      if (source !== 'lua') seen.push([command.toLowerCase(), source])
    })
    await store.write('shop', [{ name: 'creds', value: 'd' }])
    await store.read('shop', ['creds'])
    await admin.echo('end')
    while (!seen.some(([command]) => command === 'echo')) await sleep(5)
    monitor.disconnect()
    assert.deepEqual(
      seen.map(([command]) => command),
      ['evalsha', 'wait', 'evalsha', 'echo'],
    )
    assert.equal(seen[0]?.[1], seen[1]?.[1])
    assert.notEqual(seen[1]?.[1], seen[2]?.[1])
    await store.close()
    while ((await own()).length > 0) await sleep(20)
  })
})

test('after a failover the new master’s answer is not taken for the old one’s, which alone has the write', async () => {
  const program = await redis.find()
  assert.ok(program, 'this test stops a master of its own: apt-get install redis-server')
  await using old = await startRedis(program)
  const sockets = new Set<Socket>()
  let target = old.url
  // The address stays, and leads elsewhere, as a service's does.
  const service = createServer(client => {
    const there = connect(Number(new URL(target).port), '127.0.0.1')
    for (const socket of [client, there]) sockets.add(socket.on('error', () => {}))
    client.pipe(there).pipe(client)
  })
  await once(service.listen(0, '127.0.0.1'), 'listening')
  const { port } = Object(service.address())
  const client = new Redis({ port, retryStrategy: () => 10 })
  client.on('error', () => {})
  const prefix = freshPrefix()
  const store = redisStore(client, { prefix, replicas: 1 })
  await store.open()
  // The server learns the script, so that the write below is sent to it alone.
  await redisStore(client, { prefix }).write('other', [{ name: 'creds', value: 'c' }])
  const writing = store.write('shop', [{ name: 'creds', value: 'c' }])
  const outcome = writing.then(String, error => error.code)
  await sleep(500)
  target = master.url
  for (const socket of sockets) socket.destroy()
  assert.equal(await outcome, 'WRITE_FAILED')
  // Its other connection may be heard of later.
  const read = (): Promise<unknown> => store.read('shop', ['creds']).catch(read)
  assert.deepEqual(await read(), [undefined])
  await store.close()
  client.disconnect()
  for (const socket of sockets) socket.destroy()
  service.close()
}, 30_000)

test('a session waits out a replica that stands still, and nothing is lost or written twice', async () => {
  const client = new Redis(master.url)
  const options = { session: 'shop', prefix: freshPrefix(), replicas: 1, logger: false as const }
  const auth = await useRedisAuthState(client, options)
  await auth.saveCreds()
  process.kill(replica.pid, 'SIGSTOP')
  const write = auth.state.keys.set({ 'lid-mapping': { a: 'b' } })
  await sleep(3000)
  process.kill(replica.pid, 'SIGCONT')
  await write
  await auth.close()
  const again = await useRedisAuthState(client, options)
  assert.deepEqual(await again.state.keys.get('lid-mapping', ['a']), { a: 'b' })
  await again.close()
  client.disconnect()
}, 60_000)

describe.each(refusals)('%s', (_name, close, open) => {
  let client: RedisClient
  let end: () => unknown
  let store: Store
  const write = () => store.write('shop', [{ name: 'creds', value: 'c' }])

  const begin = async (connecting: (typeof clients)[number][1]) => {
    ;({ client, end } = await connecting())
    store = redisStore(client, { prefix: freshPrefix(), replicas: 1 })
    await store.open()
    await close()
  }
  afterEach(async () => {
    await open()
    await store.close()
    end()
  })

  test.each(clients)(
    'refuses %s a connection of its own: calls fail in their time, and work again later',
    async (_client, connecting) => {
      await begin(connecting)
      const began = performance.now()
      const refused = await write().catch(error => error)
      assert.equal(refused.code, 'WRITE_FAILED')
      assert.equal(store.isPermanent?.(refused), false)
      const session = { session: 'other', prefix: freshPrefix(), replicas: 1, retry: { forMs: 1000 } }
      const opening = useRedisAuthState(client, { ...session, logger: false })
      assert.match((await opening.catch(error => error)).code, /^(READ|WRITE)_FAILED$/)
      assert.ok(performance.now() - began < 15_000)
      await open()
      const until = performance.now() + 10_000
      const again = (): Promise<boolean> =>
        write().catch(error => {
          assert.ok(performance.now() < until, error)
          return again()
        })
      assert.equal(await again(), true)
    },
    60_000,
  )

  test.each(clients)(
    'refuses %s a connection of its own: it closes at once, and tries no more',
    async (_client, connecting) => {
      // While the connection is on its way, and while it waits to try again.
      for (const waitedMs of [0, 300]) {
        await begin(connecting)
        const writing = write().catch(error => error)
        await sleep(waitedMs)
        const began = performance.now()
        await store.close()
        assert.ok(performance.now() - began < 1000)
        assert.equal((await writing).code, 'WRITE_FAILED')
        await open()
        const before = new Set(await connections())
        await sleep(1000)
        assert.deepEqual(
          (await connections()).filter(id => !before.has(id)),
          [],
        )
        end()
        end = () => {}
      }
    },
    30_000,
  )
})

test('replicas on a Cluster is a TypeError', () => {
  const wrong = [
    new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true }),
    createCluster({ rootNodes: [{ url: 'redis://127.0.0.1:1' }] }),
  ]
  for (const cluster of wrong) {
    assert.throws(() => redisStore(cluster, { replicas: 1 }), {
      name: 'TypeError',
      message: /replicas.*Cluster/,
    })
  }
})

function viaIoredis(client: Redis | Redis5): { client: RedisClient; end(): unknown } {
  return { client, end: () => client.disconnect() }
}

async function viaNodeRedis(
  client: RedisClient & {
    connect(): Promise<unknown>
    destroy(): void
    on(event: 'error', to: () => void): unknown
  },
): Promise<{ client: RedisClient; end(): unknown }> {
  client.on('error', () => {})
  await client.connect()
  return { client, end: () => client.destroy() }
}

/** The ids of the connections of clients. */
async function connections(): Promise<string[]> {
  const list = String(await admin.call('client', ['LIST', 'TYPE', 'normal']))
  return Array.from(list.matchAll(/^id=(\d+)/gm), ([, id = '']) => id)
}

async function following(): Promise<void> {
  while (!/slave0:.*state=online/.test(await admin.info('replication'))) await sleep(50)
}
