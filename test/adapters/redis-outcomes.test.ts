import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { Layout } from '../../adapters/redis/layout.ts'
import { type RedisStoreOptions, redisStore } from '../../adapters/redis.ts'
import type { AuthStateError } from '../../src/errors.ts'
import type { Store } from '../../src/store.ts'
import { type RedisServer, redis, startRedis } from '../servers/redis.ts'
import { freshPrefix } from './redis-backend.ts'

const number = '4915112345678'
const secret = 'the value of a record'
const record = `session/${number}.0`

let program: string
let server: RedisServer
let admin: Redis
let client: Redis
let store: Store
let prefix: string

beforeAll(async () => {
  const found = await redis.find()
  assert.ok(found, 'these tests harm a server of their own: apt-get install redis-server')
  program = found
  server = await startRedis(program)
  admin = new Redis(server.url)
  client = new Redis(server.url, { showFriendlyErrorStack: true })
})
afterAll(async () => {
  admin.disconnect()
  client.disconnect()
  await server.stop()
})
beforeEach(async () => {
  prefix = freshPrefix()
  store = await opened(client, { prefix })
})

describe('memory', () => {
  afterEach(() => admin.config('SET', 'maxmemory', '0'))

  test('a server that is full refuses a batch whole, lets records be read and removed, and takes it with more', async () => {
    const kept = Array.from({ length: 100 }, (_, at) => ({ name: `pre-key/${at}`, value: 'x'.repeat(1000) }))
    await store.write('shop', [{ name: '!fence', value: 'f' }, ...kept])
    await admin.config('SET', 'maxmemory', '1mb')
    const guard = [{ name: '!fence', value: 'f' }]
    const batch = [
      { name: record, value: secret },
      { name: 'pre-key/0', value: undefined },
      ...Array.from({ length: 5000 }, (_, at) => ({ name: `sender-key/${at}`, value: secret })),
    ]
    for (const [scope, guards] of [
      ['shop', guard],
      ['new', []],
    ] as const) {
      const refused = await failure(store.write(scope, batch, guards))
      assert.equal(refused.code, 'WRITE_FAILED')
      assert.match(refused.message, /maxmemory.*Give it more/)
      assert.equal(store.isPermanent?.(refused), false)
    }
    // Reserved records need memory, too.
    await failure(store.write('shop', [{ name: '!fence', value: 'g' }], guard))
    assert.deepEqual(await store.read('shop', ['!fence', record, 'pre-key/0']), [
      'f',
      undefined,
      kept[0]?.value,
    ])
    assert.deepEqual(await scopesOf(store), ['shop'])
    assert.equal(await store.write('shop', [{ name: 'pre-key/1', value: undefined }], guard), true)
    await admin.config('SET', 'maxmemory', '0')
    assert.equal(await store.write('shop', batch, guard), true)
    assert.deepEqual(await store.read('shop', [record, 'pre-key/0', 'pre-key/1']), [
      secret,
      undefined,
      undefined,
    ])
  })
})

describe('permission', () => {
  beforeAll(async () => {
    await admin.call('acl', [
      'SETUSER',
      'reader',
      'on',
      '>secret',
      '~*',
      '+@read',
      '+@scripting',
      '+@connection',
      '+info',
    ])
    await admin.call('acl', ['SETUSER', 'elsewhere', 'on', '>secret', '~other:*', '+@all'])
    await admin.call('acl', ['SETUSER', 'plain', 'on', '>secret', '~*', '+@all', '-@scripting'])
  })

  test.each(['reader', 'elsewhere', 'plain'])(
    'a user %s is STORE_UNUSABLE, with what to allow',
    async username => {
      const other = new Redis(server.url, { username, password: 'secret' })
      const refused = await failure(opened(other, { prefix }))
      assert.equal(refused.code, 'STORE_UNUSABLE')
      assert.match(refused.message, /ACL SETUSER/)
      await other.quit()
    },
  )

  test('a wrong password, or none, is STORE_UNUSABLE, by each client', async () => {
    await using guarded = await startRedis(program, ['--requirepass', 'right'])
    const url = guarded.url.replace(':right@', '')
    for (const password of ['wrong', undefined]) {
      const given = password === undefined ? {} : { password }
      const viaIoredis = new Redis(url, given)
      viaIoredis.on('error', () => {})
      const viaNodeRedis = createClient({ url, ...given })
      viaNodeRedis.on('error', () => {})
      // It goes on trying, so nobody waits for it.
      viaNodeRedis.connect().catch(() => {})
      for (const other of [viaIoredis, viaNodeRedis]) {
        const refused = await failure(opened(other, { prefix }))
        assert.equal(refused.code, 'STORE_UNUSABLE')
        assert.match(refused.message, /the name or the password/)
      }
      viaIoredis.disconnect()
      viaNodeRedis.destroy()
    }
  })
})

describe('servers that can not write', () => {
  test('a replica answers neither reads nor writes, and both are worth repeating', async () => {
    await using replica = await startRedis(program, ['--replicaof', '127.0.0.1', new URL(server.url).port])
    await store.write('shop', [
      { name: '!fence', value: 'f' },
      { name: record, value: secret },
    ])
    const other = new Redis(replica.url)
    while (!(await other.info('replication')).includes('master_link_status:up')) {
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    // As a client does whose master has been demoted: it was opened before.
    const stale = redisStore(other, { prefix })
    const guard = [{ name: '!fence', value: 'f' }]
    const wrong = [{ name: '!fence', value: 'g' }]
    for (const work of [
      () => stale.read('shop', [record]),
      () => stale.write('shop', [{ name: record, value: 'late' }], guard),
      // What it has may be old: that a guard does not hold there says nothing.
      () => stale.write('shop', [{ name: record, value: 'late' }], wrong),
      () => stale.remove('shop', wrong),
      () => stale.remove('shop'),
      () => scopesOf(stale),
      () => opened(other, { prefix }),
      async () => {
        for await (const _ of stale.list('shop'));
      },
    ]) {
      const refused = await failure(work())
      assert.match(refused.code, /^(READ|WRITE)_FAILED$/)
      assert.match(refused.message, /this is a replica\. Connect to the master/)
      assert.equal(stale.isPermanent?.(refused), false)
    }
    other.disconnect()
  })

  test('min-replicas-to-write that is not met is worth repeating', async () => {
    await admin.config('SET', 'min-replicas-to-write', '1')
    const refused = await failure(store.write('shop', [{ name: record, value: secret }]))
    await admin.config('SET', 'min-replicas-to-write', '0')
    assert.equal(refused.code, 'WRITE_FAILED')
    assert.match(refused.message, /too few replicas/)
    assert.equal(store.isPermanent?.(refused), false)
    assert.deepEqual(await store.read('shop', [record]), [undefined])
  })

  test('a server that is kept busy by a script is worth asking again', async () => {
    await admin.config('SET', 'lua-time-limit', '20')
    const hog = new Redis(server.url)
    const ended = hog.eval('while true do end', 0).catch(() => {})
    const isBusy = () =>
      admin.ping().then(
        () => false,
        () => true,
      )
    while (!(await isBusy())) await new Promise(resolve => setTimeout(resolve, 10))
    const refused = await failure(store.read('shop', [record]))
    await admin.script('KILL')
    await ended
    assert.equal(refused.code, 'READ_FAILED')
    assert.match(refused.message, /SCRIPT KILL/)
    assert.equal(store.isPermanent?.(refused), false)
    assert.deepEqual(await store.read('shop', [record]), [undefined])
    hog.disconnect()
  })
})

describe("another program's data under our keys", () => {
  test('in place of a hash: STORE_UNUSABLE, and it stays as it is', async () => {
    const key = new Layout(prefix, '').records('shop')
    await admin.set(key, 'mine')
    for (const work of [
      () => store.read('shop', [record]),
      () => store.write('shop', [{ name: record, value: secret }], [{ name: '!fence', value: undefined }]),
      () => store.write('shop', [{ name: '!fence', value: 'f' }]),
    ]) {
      const refused = await failure(work())
      assert.equal(refused.code, 'STORE_UNUSABLE')
      assert.match(refused.message, /prefix of its own/)
      assert.equal(store.isPermanent?.(refused), true)
    }
    assert.equal(await admin.get(key), 'mine')
  })

  test('in place of a set of scopes: STORE_UNUSABLE, and nothing is written', async () => {
    await admin.set(new Layout(prefix, '').scopesOf('shop'), 'mine')
    const refused = await failure(store.write('shop', [{ name: record, value: secret }]))
    assert.equal(refused.code, 'STORE_UNUSABLE')
    assert.deepEqual(await store.read('shop', [record]), [undefined])
  })
})

test('a server that was killed comes back with all that it had acknowledged, and knows the scripts again', async () => {
  await using mortal = await startRedis(program)
  const other = new Redis(mortal.url, { retryStrategy: () => 50, maxRetriesPerRequest: 1 })
  other.on('error', () => {})
  const one = await opened(other, { prefix })
  const acknowledged: string[] = []
  const writing = (async () => {
    for (let at = 0; ; at++) {
      if (!(await one.write('shop', [{ name: `session/${at}`, value: secret }]))) return 'refused'
      acknowledged.push(`session/${at}`)
    }
  })()
  while (acknowledged.length <= 10) await new Promise(resolve => setTimeout(resolve, 10))
  await mortal.kill()
  const refused = await failure(writing)
  assert.equal(refused.code, 'WRITE_FAILED')
  assert.equal(one.isPermanent?.(refused), false)
  await mortal.restart()
  const values = await one.read('shop', acknowledged)
  assert.ok(values.every(value => value === secret))
  assert.equal(await one.write('shop', [{ name: 'creds', value: 'c' }]), true)
  other.disconnect()
}, 30_000)

test('nothing that fails tells a record, its value or a scope', async () => {
  const scope = `bot-${number}`
  await admin.set(new Layout(prefix, '').records(scope), 'mine')
  await admin.config('SET', 'min-replicas-to-write', '1')
  const changes = [{ name: record, value: secret }]
  const offline = new Redis(server.url, { enableOfflineQueue: false, lazyConnect: true })
  const failures = await Promise.all([
    failure(store.write(scope, changes, [{ name: '!fence', value: secret }])),
    failure(store.write('shop', changes)),
    failure(store.read(scope, [record])),
    failure(store.remove(scope, [{ name: '!fence', value: secret }])),
    failure(redisStore(offline, { prefix }).write(scope, changes)),
  ])
  await admin.config('SET', 'min-replicas-to-write', '0')
  for (const refused of failures) {
    const told = `${inspect(refused, { depth: 20, showHidden: true })} ${JSON.stringify(refused)}`
    for (const text of [number, secret]) assert.ok(!told.includes(text), told)
    assert.ok(refused.cause instanceof Error)
  }
})

async function opened(from: Parameters<typeof redisStore>[0], options: RedisStoreOptions): Promise<Store> {
  const one = redisStore(from, options)
  await one.open()
  return one
}

/** What `work` fails with; that it does is asserted. */
async function failure(work: Promise<unknown>): Promise<AuthStateError> {
  const error = await work.then(
    () => undefined,
    rejected => rejected,
  )
  assert.ok(error, 'it did not fail')
  return error
}

async function scopesOf(from: Store): Promise<string[]> {
  const found: string[] = []
  for await (const page of from.scopes()) found.push(...page)
  return found
}
