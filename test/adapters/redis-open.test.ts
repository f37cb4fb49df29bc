import assert from 'node:assert/strict'
import { Redis } from 'ioredis'
import { Layout } from '../../adapters/redis/layout.ts'
import { redisStore } from '../../adapters/redis.ts'
import { useRedisAuthState } from '../../src/entries/redis.ts'
import { isAuthStateError } from '../../src/errors.ts'
import { type RedisServer, redis, startRedis } from '../servers/redis.ts'
import { sharedServer } from '../servers/shared-server.ts'
import { freshPrefix } from './redis-backend.ts'

const shared = await sharedServer('redis')

describe('opening', () => {
  let client: Redis
  beforeAll(() => {
    client = new Redis(shared.url)
  })
  afterAll(() => client.quit())

  test('twenty clients that open a new place at once all have it, and opening again changes nothing', async () => {
    const prefix = freshPrefix()
    const clients = Array.from({ length: 20 }, () => new Redis(shared.url))
    await Promise.all(clients.map(one => redisStore(one, { prefix }).open()))
    const { schema } = new Layout(prefix, '')
    assert.deepEqual(await client.keys(`${prefix}*`), [schema])
    assert.deepEqual(await client.hgetall(schema), { version: '1' })
    await redisStore(client, { prefix }).open()
    assert.deepEqual(await client.hgetall(schema), { version: '1' })
    await Promise.all(clients.map(one => one.quit()))
  })

  test('a constructor connects to nothing', async () => {
    const late = new Redis(shared.url, { lazyConnect: true })
    redisStore(late)
    assert.equal(late.status, 'wait')
  })

  test('a newer layout is SCHEMA_NEWER by every way in, and stays as it is', async () => {
    const prefix = freshPrefix()
    const { schema } = new Layout(prefix, '')
    await client.hset(schema, 'version', '2')
    for (const opening of [
      redisStore(client, { prefix }).open(),
      useRedisAuthState(client, { session: 'shop', prefix, logger: false }),
    ]) {
      const refused = await opening.catch(error => error)
      assert.ok(isAuthStateError(refused))
      assert.equal(refused.code, 'SCHEMA_NEWER')
      assert.match(refused.message, /layout 2.*knows 1\. Update/)
    }
    assert.deepEqual(await client.keys(`${prefix}*`), [schema])
    assert.deepEqual(await client.hgetall(schema), { version: '2' })
  })

  test('wrong options are a TypeError that names them', async () => {
    // As JavaScript calls it.
    const wrong: [unknown, RegExp][] = [
      [undefined, /options/],
      [{}, /session/],
      [{ session: 'shop', replica: 1 }, /replica'.*prefix, replicas/],
      [{ session: 'shop', replicas: -1 }, /replicas/],
      [{ session: 'shop', replicas: '1' }, /replicas/],
      [{ session: 'shop', prefix: 7 }, /prefix/],
    ]
    for (const [options, message] of wrong) {
      await assert.rejects(useRedisAuthState(client, options as never), { name: 'TypeError', message })
    }
  })
})

describe('settings that lose sessions', () => {
  let server: RedisServer
  let admin: Redis

  beforeAll(async () => {
    const program = await redis.find()
    assert.ok(
      program,
      'these tests change the settings of a server of their own: apt-get install redis-server',
    )
    server = await startRedis(program)
    admin = new Redis(server.url)
  })
  afterAll(async () => {
    await admin.quit()
    await server.stop()
  })

  const codes = async () => {
    const store = redisStore(admin, { prefix: freshPrefix() })
    await store.open()
    return (store.warnings ?? []).map(({ code, message }) => {
      assert.match(message, /(Set|See to it).*\.$/)
      return code
    })
  }

  test.each([
    [{}, []],
    [{ 'maxmemory-policy': 'allkeys-lru', maxmemory: '100mb' }, ['REDIS_EVICTS']],
    [{ 'maxmemory-policy': 'allkeys-random', maxmemory: '0' }, ['REDIS_EVICTS']],
    [{ 'maxmemory-policy': 'volatile-lru', maxmemory: '100mb' }, []],
    [{ appendfsync: 'everysec' }, ['REDIS_LOSES_SECONDS']],
    [{ appendfsync: 'no' }, ['REDIS_LOSES_SECONDS']],
    [{ appendonly: 'no' }, ['REDIS_NOT_DURABLE']],
    [{ appendonly: 'no', save: '900 1' }, ['REDIS_NOT_DURABLE']],
    [{ appendonly: 'no', 'maxmemory-policy': 'allkeys-lfu' }, ['REDIS_EVICTS', 'REDIS_NOT_DURABLE']],
  ])('%p warns of %p', async (settings, expected) => {
    const safe = {
      'maxmemory-policy': 'noeviction',
      maxmemory: '0',
      appendonly: 'yes',
      appendfsync: 'always',
    }
    for (const [name, value] of Object.entries({ ...safe, save: '', ...settings })) {
      await admin.config('SET', name, value)
    }
    assert.deepEqual(await codes(), expected)
    for (const [name, value] of Object.entries({ ...safe, save: '' })) await admin.config('SET', name, value)
  })

  test('where CONFIG is forbidden, one warning says that nobody looked', async () => {
    await admin.call('acl', ['SETUSER', 'bot', 'on', '>secret', '~*', '&*', '+@all', '-config'])
    const client = new Redis(server.url, { username: 'bot', password: 'secret' })
    const store = redisStore(client, { prefix: freshPrefix() })
    await store.open()
    assert.deepEqual(
      store.warnings?.map(({ code }) => code),
      ['REDIS_NOT_CHECKED'],
    )
    await client.quit()
  })

  test('two sessions say a warning once, to their logger', async () => {
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru')
    const said: string[] = []
    const logger = {
      warn: (about: unknown) => said.push(JSON.stringify(about)),
      error() {},
      info() {},
      debug() {},
    }
    const prefix = freshPrefix()
    const states = [
      await useRedisAuthState(admin, { session: 'one', prefix, logger }),
      await useRedisAuthState(admin, { session: 'other', prefix, logger }),
    ]
    await Promise.all(states.map(auth => auth.close()))
    assert.equal(said.filter(line => line.includes('REDIS_EVICTS')).length, 1)
    await admin.config('SET', 'maxmemory-policy', 'noeviction')
  })

  test('a user who may do only what README names does everything', async () => {
    const prefix = freshPrefix()
    const rules = [`~${prefix}*`, '+@read', '+@write', '+@scripting', '+@connection', '+info', '+cluster']
    await admin.call('acl', ['SETUSER', 'least', 'on', '>secret', ...rules])
    const client = new Redis(server.url, { username: 'least', password: 'secret' })
    const store = redisStore(client, { prefix })
    await store.open()
    assert.equal(await store.write('shop', [{ name: 'creds', value: 'c' }]), true)
    assert.equal(await store.write('shop', [{ name: 'creds', value: undefined }]), true)
    for await (const _ of store.list('shop')) assert.fail('it is empty')
    for await (const _ of store.scopes()) assert.fail('there are none')
    assert.equal(await store.remove('shop'), true)
    await client.quit()
  })
})
