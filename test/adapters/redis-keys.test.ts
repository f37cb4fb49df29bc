import assert from 'node:assert/strict'
import { Cluster, Redis } from 'ioredis'
import { createClient } from 'redis'
import { Layout } from '../../adapters/redis/layout.ts'
import { type RedisClient, redisStore } from '../../adapters/redis.ts'
import type { Store } from '../../src/store.ts'
import { sharedServer } from '../servers/shared-server.ts'
import { connectRedisCluster } from '../stores/redis-cluster.ts'
import { freshPrefix } from './redis-backend.ts'

const redis = await sharedServer('redis')
const cluster = await sharedServer('redis-cluster')

const hostile = [
  '',
  'bots:',
  '{app}:',
  'a{b',
  '}{',
  '{}',
  'x{}y',
  '{}{}',
  '{{}}',
  '}',
  '{',
  '{3f}',
  'a{3f}:b',
  'ä*?[]\\',
]
const scopes = ['shop', 'Shop', '!owners', 'a%2Fb', ...Array.from({ length: 20 }, (_, at) => `shop-${at}`)]

let nodes: Cluster
let client: Redis

beforeAll(() => {
  nodes = connectRedisCluster(cluster.url).client
  client = new Redis(redis.url)
})
afterAll(async () => {
  await Promise.all([nodes.quit(), client.quit()])
})

describe('keys', () => {
  test('no two prefixes and scopes share one', () => {
    const all = hostile.flatMap(prefix => {
      const layout = new Layout(prefix, '')
      const buckets = new Set(scopes.map(scope => layout.scopesOf(scope)))
      return [layout.schema, ...buckets, ...scopes.map(scope => layout.records(scope))]
    })
    assert.equal(new Set(all).size, all.length)
  })

  test('the two that a script touches are of one slot, whatever braces are before them', async () => {
    for (const keyPrefix of ['', 'k:', '{k}', 'k{', 'k}']) {
      for (const prefix of hostile) {
        if ((keyPrefix + prefix).startsWith('k{}')) continue
        const layout = new Layout(prefix, keyPrefix)
        for (const scope of ['shop', 'shop-1']) {
          const [hash, set] = await Promise.all(
            [layout.records(scope), layout.scopesOf(scope)].map(key =>
              nodes.call('cluster', ['KEYSLOT', keyPrefix + key]),
            ),
          )
          assert.equal(hash, set, `${keyPrefix} ${prefix} ${scope}`)
        }
      }
    }
  })

  test('sessions are spread over all nodes of a cluster', async () => {
    const layout = new Layout('authkit:', '')
    const thirds = [0, 0, 0]
    for (let number = 0; number < 256; number++) {
      const slot = Number(await nodes.call('cluster', ['KEYSLOT', layout.bucket(number)]))
      const third = Math.floor((slot * 3) / 16_384)
      thirds[third] = (thirds[third] ?? 0) + 1
    }
    assert.ok(Math.min(...thirds) > 70, `of 256 buckets ${thirds.join(', ')} are on each node`)
  })

  test.each(['{}', 'k{}', '{}k:'])('a keyPrefix of %s is a TypeError', keyPrefix => {
    const wrong = new Redis(redis.url, { keyPrefix, lazyConnect: true })
    assert.throws(() => redisStore(wrong), { name: 'TypeError', message: /keyPrefix/ })
  })

  test.each([['\ud800'], [1], [null]])('a prefix that is %p is a TypeError', prefix => {
    // As JavaScript calls it.
    assert.throws(() => redisStore(client, { prefix: prefix as never }), {
      name: 'TypeError',
      message: /prefix/,
    })
  })
})

describe.each(['Redis', 'a Cluster'])('on %s', where => {
  const connected = () => (where === 'Redis' ? client : nodes)

  test('prefixes of any kind keep what is theirs', async () => {
    const place = freshPrefix()
    const stores = hostile.map(prefix => redisStore(connected(), { prefix: prefix + place }))
    // The prefix's own braces at its end, too.
    stores.push(...hostile.map(prefix => redisStore(connected(), { prefix: place + prefix })))
    for (const [at, store] of stores.entries()) {
      await store.open()
      for (const scope of scopes.slice(0, 6)) {
        await store.write(scope, [{ name: 'creds', value: `${at} ${scope}` }])
      }
    }
    for (const [at, store] of stores.entries()) {
      // Two of them are the same place: the empty one, before and after.
      if (at === 0 || at === hostile.length) continue
      for (const scope of scopes.slice(0, 6)) {
        assert.deepEqual(await store.read(scope, ['creds']), [`${at} ${scope}`])
      }
      assert.deepEqual((await scopesOf(store)).toSorted(), scopes.slice(0, 6).toSorted())
      for (const scope of scopes.slice(0, 6)) await store.remove(scope)
      assert.deepEqual(await scopesOf(store), [])
    }
  })

  test('no key of ours ever expires', async () => {
    const prefix = freshPrefix()
    const store = redisStore(connected(), { prefix })
    await store.open()
    for (const scope of scopes) {
      await store.write(scope, [
        { name: '!fence', value: 'f' },
        { name: 'creds', value: 'c' },
        { name: 'session/1', value: 's' },
      ])
      await store.write(scope, [{ name: 'session/1', value: undefined }], [{ name: '!fence', value: 'f' }])
    }
    await store.remove('shop')
    const keys = await keysOf(connected(), prefix)
    assert.ok(keys.length > scopes.length)
    for (const key of keys) assert.equal(await connected().pttl(key), -1, key)
  })
})

test.each(['ioredis', 'ioredis Cluster', 'node-redis'])(
  'keyPrefix of %s is before every key, and scopes are listed without it',
  async name => {
    const keyPrefix = `app_${freshPrefix()}`
    const { address, end } = await prefixed(name, keyPrefix)
    const store = redisStore(address, { prefix: 'bots:' })
    await store.open()
    for (const scope of scopes) await store.write(scope, [{ name: 'creds', value: scope }])
    assert.deepEqual((await scopesOf(store)).toSorted(), scopes.toSorted())
    const entries: string[] = []
    for await (const page of store.list('shop')) entries.push(...page.map(entry => entry.name))
    assert.deepEqual(entries, ['creds'])
    const plain = name.includes('Cluster') ? nodes : client
    const keys = await keysOf(plain, keyPrefix)
    const layout = new Layout(`${keyPrefix}bots:`, '')
    const sets = new Set(scopes.map(scope => layout.scopesOf(scope)))
    const expected = [layout.schema, ...sets, ...scopes.map(scope => layout.records(scope))]
    assert.deepEqual(keys.toSorted(), expected.toSorted())
    await end()
  },
)

test('a record is never mistaken for a number, a pattern or a field of Lua', async () => {
  const store = redisStore(client, { prefix: freshPrefix() })
  await store.open()
  const names = [
    '1',
    '01',
    '1.0',
    '%25',
    'a:b',
    '-',
    '+',
    '~',
    'session/%2A',
    'creds',
    'Creds',
    '!x',
    'KEYS',
    'nil',
  ]
  await store.write(
    'shop',
    names.map(name => ({ name, value: name })),
  )
  assert.deepEqual(await store.read('shop', names), names)
  for (const name of names) {
    assert.equal(await store.write('shop', [{ name, value: undefined }], [{ name, value: name }]), true)
    assert.deepEqual(await store.read('shop', [name]), [undefined])
  }
  assert.deepEqual(await scopesOf(store), [])
})

test('a scope whose last record is removed is listed no more, however many reserved ones it has', async () => {
  const store = redisStore(client, { prefix: freshPrefix() })
  await store.open()
  const reserved = Array.from({ length: 1500 }, (_, at) => ({ name: `!heartbeat/${at}`, value: 'x' }))
  await store.write('shop', reserved)
  assert.deepEqual(await scopesOf(store), [])
  await store.write('shop', [
    { name: 'creds', value: 'c' },
    { name: 'session/1', value: 's' },
  ])
  assert.deepEqual(await scopesOf(store), ['shop'])
  await store.write('shop', [{ name: 'creds', value: undefined }])
  assert.deepEqual(await scopesOf(store), ['shop'])
  await store.write('shop', [{ name: 'session/1', value: undefined }])
  assert.deepEqual(await scopesOf(store), [])
})

test('a hash that somebody deleted by hand is no scope any more', async () => {
  const prefix = freshPrefix()
  const store = redisStore(client, { prefix })
  await store.open()
  for (const scope of ['one', 'other']) await store.write(scope, [{ name: 'creds', value: 'c' }])
  await client.del(new Layout(prefix, '').records('one'))
  assert.deepEqual(await scopesOf(store), ['other'])
})

async function prefixed(
  name: string,
  keyPrefix: string,
): Promise<{ address: RedisClient; end(): Promise<unknown> }> {
  if (name === 'node-redis') {
    const address = await createClient({ url: redis.url, keyPrefix }).connect()
    return { address, end: () => address.close() }
  }
  if (name === 'ioredis') {
    const address = new Redis(redis.url, { keyPrefix })
    return { address, end: () => address.quit() }
  }
  const addresses = nodes.nodes('all').map(({ options: { host = '', port = 0 } }) => ({ host, port }))
  const address = new Cluster(addresses, { keyPrefix })
  return { address, end: () => address.quit() }
}

async function keysOf(from: Redis | Cluster, prefix: string): Promise<string[]> {
  const servers = from instanceof Cluster ? from.nodes('master') : [from]
  return (await Promise.all(servers.map(server => server.keys(`${prefix}*`)))).flat()
}

async function scopesOf(store: Store): Promise<string[]> {
  const found: string[] = []
  for await (const page of store.scopes()) found.push(...page)
  return found
}
