import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, Redis } from 'ioredis'
import { createCluster } from 'redis'
import { Layout } from '../../adapters/redis/layout.ts'
import { redisStore } from '../../adapters/redis.ts'
import { useRedisAuthState } from '../../src/entries/redis.ts'
import { freePort } from '../servers/free-port.ts'
import { type RedisServer, redis, startRedis } from '../servers/redis.ts'
import { nodesOf, redisCluster } from '../servers/redis-cluster.ts'
import type { Server } from '../servers/server.ts'
import { connectRedisCluster } from '../stores/redis-cluster.ts'
import { freshPrefix } from './redis-backend.ts'
import { assertRoundTrips } from './redis-round-trips.ts'

let server: Server
let replica: RedisServer
let admin: Cluster

beforeAll(async () => {
  const program = await redis.find()
  assert.ok(program, 'these tests move slots of a cluster of their own: apt-get install redis-server')
  server = await redisCluster.start(program)
  const bus = String(await freePort())
  replica = await startRedis(program, ['--cluster-enabled', 'yes', '--cluster-port', bus])
  await follow(replica.url, nodesOf(server.url)[0] ?? '')
  admin = connectRedisCluster(server.url).client
}, 60_000)
afterAll(async () => {
  admin.disconnect()
  await replica.stop()
  await server.stop()
})

test.each(['ioredis', 'node-redis'])(
  'on %s a get of 1, 100 or 1,000 ids is one round trip to one node, a set of 1 or 812 is one, and a cached get is none',
  async name => {
    const { client, end } = await connected(name)
    const options = {
      session: 'shop',
      prefix: freshPrefix(),
      cache: { preload: false },
      logger: false,
      lease: { ttlMs: 3_600_000 },
    } as const
    const auth = await useRedisAuthState(client, options)
    await auth.saveCreds()
    await assertRoundTrips(auth.state.keys, asked)
    await auth.close()
    await end()
  },
)

test.each(['ioredis', 'node-redis'])(
  'slots move while a session on %s writes and reads: nothing is refused or lost',
  async name => {
    const { client, end } = await connected(name)
    const prefix = freshPrefix()
    const auth = await useRedisAuthState(client, {
      session: 'shop',
      prefix,
      logger: false,
      cache: { maxBytes: 0 },
    })
    await auth.saveCreds()
    let isMoving = true
    let written = 0
    const writing = (async () => {
      for (; isMoving || written < 50; written++) {
        await auth.state.keys.set({ 'lid-mapping': { [written]: `${written}` } })
        assert.deepEqual(await auth.state.keys.get('lid-mapping', [`${written}`]), {
          [written]: `${written}`,
        })
      }
    })()
    const slot = Number(await admin.call('cluster', ['KEYSLOT', new Layout(prefix, '').records('shop')]))
    const moves = 4
    for (let move = 0; move < moves; move++) await moveSlot(slot)
    isMoving = false
    await writing
    const ids = Array.from({ length: written }, (_, at) => String(at))
    assert.deepEqual(
      await auth.state.keys.get('lid-mapping', ids),
      Object.fromEntries(ids.map(id => [id, id])),
    )
    await auth.close()
    await end()
  },
  60_000,
)

test.each(['ioredis', 'node-redis'])(
  'a client of %s that sends reads to replicas reads from masters',
  async name => {
    const { client, end } = await connected(name)
    const store = redisStore(client, { prefix: freshPrefix() })
    await store.open()
    const other = new Redis(replica.url)
    await other.config('RESETSTAT')
    for (let at = 0; at < 40; at++) {
      await store.write(`shop-${at}`, [{ name: 'creds', value: 'c' }])
      assert.deepEqual(await store.read(`shop-${at}`, ['creds']), ['c'])
      for await (const page of store.list(`shop-${at}`)) assert.equal(page.length, 1)
    }
    const found: string[] = []
    for await (const page of store.scopes()) found.push(...page)
    assert.equal(found.length, 40)
    // A command that the client itself would send to a replica does come there.
    for (let at = 0; at < 40; at++) await client.exists([`plain-${at}`])
    assert.match(await other.info('commandstats'), /cmdstat_exists:/)
    assert.doesNotMatch(await other.info('commandstats'), /cmdstat_(evalsha|eval|hmget|hscan|sscan):/)
    other.disconnect()
    await end()
  },
)

test('a cluster whose slots are not all served is worth asking again, and works when it is whole', async () => {
  const { client, end } = await connected('ioredis')
  const store = redisStore(client, { prefix: freshPrefix() })
  await store.open()
  await store.write('shop', [{ name: 'creds', value: 'c' }])
  await server.kill()
  const refused = await store.read('shop', ['creds']).catch(error => error)
  assert.equal(refused.code, 'READ_FAILED')
  assert.equal(store.isPermanent?.(refused), false)
  await server.restart()
  const until = performance.now() + 20_000
  for (;;) {
    const values = await store.read('shop', ['creds']).catch(error => error)
    if (Array.isArray(values)) {
      assert.deepEqual(values, ['c'])
      break
    }
    assert.equal(store.isPermanent?.(values), false)
    assert.ok(performance.now() < until, values)
    await sleep(100)
  }
  await end()
}, 60_000)

/** What was asked meanwhile, as the cluster's masters saw it come, without what clients say to connect and to know it. */
async function asked(work: () => Promise<unknown>): Promise<string[]> {
  const nodes = admin.nodes('master')
  const seen = await Promise.all(
    nodes.map(async node => {
      const monitor = await node.monitor()
      const commands: string[] = []
      monitor.on('monitor', (_time: string, [command = '']: string[], source: string) => {
        if (source !== 'lua') commands.push(command.toLowerCase())
      })
      return { node, monitor, commands }
    }),
  )
  await work()
  for (const { node, monitor, commands } of seen) {
    // What was asked before this has been told before it.
    await node.echo('end')
    while (!commands.includes('echo')) await sleep(5)
    monitor.disconnect()
  }
  const isOfTheClient = (command: string) =>
    /^(?:hello|auth|client|readonly|cluster|info|ping|echo)$/.test(command)
  return seen.flatMap(({ commands }) => commands.filter(command => !isOfTheClient(command)))
}

async function connected(name: string) {
  const urls = nodesOf(server.url)
  if (name === 'ioredis') {
    const addresses = urls.map(url => ({ host: new URL(url).hostname, port: Number(new URL(url).port) }))
    const client = new Cluster(addresses, { scaleReads: 'slave' })
    client.on('error', () => {})
    return { client, end: async () => client.disconnect() }
  }
  const client = createCluster({ rootNodes: urls.map(url => ({ url })), useReplicas: true })
  client.on('error', () => {})
  await client.connect()
  return { client, end: async () => client.destroy() }
}

/** Makes a node a replica of another one of the cluster; resolves when all masters list it. */
async function follow(url: string, masterUrl: string): Promise<void> {
  const [node, master] = [new Redis(url), new Redis(masterUrl)]
  const id = String(await master.call('cluster', ['MYID']))
  const [, port = '', bus = ''] =
    /127\.0\.0\.1:(\d+)@(\d+) (?:\S*,)?myself/.exec(String(await master.call('cluster', ['NODES']))) ?? []
  await node.call('cluster', ['MEET', '127.0.0.1', port, bus])
  while (!String(await node.call('cluster', ['NODES'])).includes(id)) await sleep(50)
  await node.call('cluster', ['REPLICATE', id])
  while (!/slave0:.*state=online/.test(await master.info('replication'))) await sleep(50)
  for (const one of nodesOf(server.url)) {
    const other = new Redis(one)
    while (!/ slave /.test(String(await other.call('cluster', ['NODES'])))) await sleep(50)
    other.disconnect()
  }
  node.disconnect()
  master.disconnect()
}

/** Moves a slot from its master to another, key by key, as an operator does. */
async function moveSlot(slot: number): Promise<void> {
  const masters = await Promise.all(
    admin.nodes('master').map(async node => {
      const id = String(await node.call('cluster', ['MYID']))
      const isOwner = await node
        .call('cluster', ['COUNTKEYSINSLOT', String(slot)])
        .then(count => Number(count) > 0)
      return { node, id, isOwner }
    }),
  )
  const from = masters.find(({ isOwner }) => isOwner)
  const to = masters.find(({ isOwner }) => !isOwner)
  assert.ok(from && to)
  await to.node.call('cluster', ['SETSLOT', String(slot), 'IMPORTING', from.id])
  await from.node.call('cluster', ['SETSLOT', String(slot), 'MIGRATING', to.id])
  for (;;) {
    const keys = await from.node.call('cluster', ['GETKEYSINSLOT', String(slot), '1'])
    const [key] = Array.isArray(keys) ? keys.map(String) : []
    if (key === undefined) break
    await from.node.call('migrate', ['127.0.0.1', String(to.node.options.port), key, '0', '5000'])
    // Meanwhile one of a script's keys is here, and the other there.
    await sleep(100)
  }
  for (const { node } of [to, from]) await node.call('cluster', ['SETSLOT', String(slot), 'NODE', to.id])
  await sleep(100)
}
