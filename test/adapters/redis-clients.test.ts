import assert from 'node:assert/strict'
import * as redis6 from 'redis'
import * as redis5 from 'redis-5'
import { type RedisClient, redisStore } from '../../adapters/redis.ts'
import { useRedisAuthState } from '../../src/entries/redis.ts'
import { isAuthStateError } from '../../src/errors.ts'
import type { Store } from '../../src/store.ts'
import { sharedServer } from '../servers/shared-server.ts'
import { freshPrefix } from './redis-backend.ts'
import { type ClientCase, clusterClients, redisClients } from './redis-clients.ts'

const redis = await sharedServer('redis')
const cluster = await sharedServer('redis-cluster')

/** Bytes of two, three and four, what scripts and clients might take for a number or nothing, and lengths. */
const texts = ['', '0', '1', 'null', 'ä€😀', '"\\\r\n$-1\r\n', ' 12 ', '1e3', 'x'.repeat(20_000)]

const cases: readonly (readonly [string, ClientCase, string])[] = [
  ...redisClients.map(one => [`${one.name} on ${redis.title}`, one, redis.url] as const),
  ...clusterClients.map(one => [`${one.name} on ${cluster.title}`, one, cluster.url] as const),
]

describe.each(cases)('%s', (_title, { connect }, url) => {
  let client: RedisClient
  let end: () => void
  let store: Store

  beforeAll(async () => {
    const connected = await connect(url)
    client = connected.client
    end = connected.end
    store = redisStore(client, { prefix: freshPrefix() })
    await store.open()
  })
  afterAll(async () => {
    await store.close()
    end()
  })

  test('texts come back as they were', async () => {
    const changes = texts.map((value, at) => ({ name: `session/${at}`, value }))
    assert.equal(await store.write('texts', changes), true)
    const names = changes.map(({ name }) => name)
    assert.deepEqual(await store.read('texts', [...names, 'absent']), [...texts, undefined])
    assert.deepEqual(await listed(store, 'texts'), new Map(changes.map(({ name, value }) => [name, value])))
  })

  test('a guard lets one of two take-overs through, and the old owner writes no more', async () => {
    const fence = (value: string) => [{ name: '!fence', value }]
    const absent = [{ name: '!fence', value: undefined }]
    const first = await Promise.all(['a', 'b'].map(token => store.write('held', fence(token), absent)))
    assert.deepEqual(first.toSorted(), [false, true])
    const owner = first[0] ? 'a' : 'b'
    assert.equal(await store.write('held', fence('c'), fence(owner)), true)
    assert.equal(
      await store.write('held', [{ name: 'creds', value: 'late' }], [{ name: '!fence', value: owner }]),
      false,
    )
    assert.deepEqual(await store.read('held', ['!fence', 'creds']), ['c', undefined])
  })

  test('a scope is listed while it holds a record, and removed whole', async () => {
    const scopes = ['shop', 'Shop', 'shop1', 'a%2F', '*', '{x}']
      .map(one => one.replace(/[*{}]/g, '~'))
      .concat('held-by-nobody')
    for (const scope of scopes.slice(0, -1)) await store.write(scope, [{ name: 'creds', value: scope }])
    await store.write('held-by-nobody', [{ name: '!fence', value: 'f' }])
    assert.deepEqual((await listedScopes(store, 'shop')).toSorted(), ['shop', 'shop1'])
    assert.equal(await store.remove('shop', [{ name: 'creds', value: 'other' }]), false)
    assert.equal(await store.remove('shop', [{ name: 'creds', value: 'shop' }]), true)
    assert.deepEqual(await listedScopes(store, 'shop'), ['shop1'])
    assert.deepEqual(await store.read('shop', ['creds']), [undefined])
    assert.equal((await listedScopes(store)).includes('held-by-nobody'), false)
  })

  test('its settings are looked at: this server loses nothing', () => {
    assert.deepEqual(store.warnings, [])
  })
})

test('a client of node-redis that was not connected is STORE_UNUSABLE, and says what to do', async () => {
  const refused = await redisStore(redis6.createClient({ url: redis.url }))
    .open()
    .catch(error => error)
  assert.ok(isAuthStateError(refused))
  assert.equal(refused.code, 'STORE_UNUSABLE')
  assert.match(refused.message, /await client\.connect\(\)/)
})

test('a client that was ended is STORE_UNUSABLE, for good', async () => {
  for (const { connect } of [redisClients[0], redisClients[7]].filter(one => one !== undefined)) {
    const { client, end } = await connect(redis.url)
    const store = redisStore(client, { prefix: freshPrefix() })
    await store.open()
    end()
    // ioredis ends with its socket.
    while (!['end', undefined].includes(Object(client).status))
      await new Promise(resolve => setTimeout(resolve, 10))
    const work = [() => store.open(), () => store.read('shop', ['creds']), () => store.remove('shop')]
    for (const call of work) {
      const refused = await call().catch(error => error)
      assert.equal(Object(refused).code, 'STORE_UNUSABLE')
      assert.equal(store.isPermanent?.(refused), true)
    }
  }
})

test.each([
  ['nothing', undefined],
  ['a URL', 'redis://127.0.0.1'],
  ['a promise', Promise.resolve()],
  ['a store', { read() {}, write() {} }],
])('%s is no client: a TypeError', (_name, wrong) => {
  // As JavaScript calls it.
  assert.throws(() => redisStore(wrong as never), { name: 'TypeError', message: /ioredis.*createClient/ })
})

const sentinels = { name: 'main', sentinelRootNodes: [{ host: '127.0.0.1', port: 1 }] }

test.each([
  ['5', () => redis5.createSentinel(sentinels)],
  ['6', () => redis6.createSentinel(sentinels)],
])(
  'a sentinel’s client of node-redis %s, which repeats commands, is a TypeError that says what to pass',
  async (_version, make) => {
    // As JavaScript calls it.
    const client = make() as never
    const refusal = { name: 'TypeError', message: /createSentinel.*ioredis.*createClient\(\) on the master/ }
    assert.throws(() => redisStore(client), refusal)
    await assert.rejects(useRedisAuthState(client, { session: 'shop' }), refusal)
  },
)

test.each([
  ['5', () => redis5.createClientPool()],
  ['6', () => redis6.createClientPool()],
])('a pool of node-redis %s can not wait for replicas: a TypeError at once', (_version, make) => {
  assert.throws(() => redisStore(make(), { replicas: 1 }), {
    name: 'TypeError',
    message: /replicas.*pool.*createClient/,
  })
})

async function listed(store: Store, scope: string): Promise<Map<string, string | undefined>> {
  const found = new Map<string, string | undefined>()
  for await (const page of store.list(scope, { values: true })) {
    for (const { name, value } of page) found.set(name, value)
  }
  return found
}

async function listedScopes(store: Store, prefix?: string): Promise<string[]> {
  const found: string[] = []
  for await (const page of store.scopes(prefix)) found.push(...page)
  return found
}
