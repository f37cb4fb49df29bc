import assert from 'node:assert/strict'
import { redisStore } from '../../adapters/redis.ts'
import type { Store } from '../../src/store.ts'
import { sharedServer } from '../servers/shared-server.ts'
import { connectRedis } from '../stores/redis.ts'
import { connectRedisCluster } from '../stores/redis-cluster.ts'
import { freshPrefix } from './redis-backend.ts'

const servers = [
  [await sharedServer('redis'), connectRedis],
  [await sharedServer('redis-cluster'), connectRedisCluster],
] as const

const fence = '!fence'
const contenders = 20
const rounds = 20

describe.each(servers.map(([{ url, title }, connect]) => ({ title, url, connect })))('$title', server => {
  let stores: Store[]
  let end: () => Promise<unknown>

  // Connections of their own, as processes have.
  beforeAll(async () => {
    const prefix = freshPrefix()
    const clients = Array.from({ length: contenders }, () => server.connect(server.url).client)
    end = () => Promise.all(clients.map(client => client.quit()))
    stores = clients.map(client => redisStore(client, { prefix }))
    await Promise.all(stores.map(store => store.open()))
  })
  afterAll(() => end())

  test('of 20 first openers exactly one wins, and what it wrote is there, whole', async () => {
    for (let round = 0; round < rounds; round++) {
      const scope = `race-${round}`
      const won = await Promise.all(
        stores.map((store, at) =>
          store.write(
            scope,
            [
              { name: fence, value: `token ${at}` },
              { name: 'creds', value: `creds ${at}` },
            ],
            [{ name: fence, value: undefined }],
          ),
        ),
      )
      assert.equal(won.filter(Boolean).length, 1)
      const winner = won.indexOf(true)
      assert.deepEqual(await stores[0]?.read(scope, [fence, 'creds']), [`token ${winner}`, `creds ${winner}`])
    }
  })

  test('of 20 take-overs of one fence exactly one wins', async () => {
    const [first] = stores
    for (let round = 0; round < rounds; round++) {
      const old = (await first?.read('taken', [fence]))?.[0]
      const won = await Promise.all(
        stores.map((store, at) =>
          store.write('taken', [{ name: fence, value: `${round} ${at}` }], [{ name: fence, value: old }]),
        ),
      )
      assert.equal(won.filter(Boolean).length, 1)
    }
  })

  test('under take-overs no write of an old token lands, and none that was acknowledged is lost', async () => {
    const scope = 'contested'
    const [reader, ...others] = stores
    assert.ok(reader)
    await reader.write(scope, [{ name: fence, value: '0' }])
    let taken = 0
    let isOver = false
    const counts = { landed: 0, refused: 0 }
    const takers = others.slice(0, 4).map(async store => {
      while (!isOver) {
        const token = (await store.read(scope, [fence]))[0]
        const next = `${taken + 1} ${Math.random()}`
        const changes = [
          { name: fence, value: next },
          // What the old owner wrote last is what the new one finds.
          { name: 'owner', value: next },
        ]
        if (await store.write(scope, changes, [{ name: fence, value: token }])) taken += 1
      }
    })
    const writers = others.slice(4, 10).map(async store => {
      while (!isOver) {
        const [token = ''] = await store.read(scope, [fence])
        // Each write says whose it is: with a token that is no longer the fence's it must not be there.
        const changes = [{ name: 'owner', value: token }]
        if (await store.write(scope, changes, [{ name: fence, value: token }])) counts.landed += 1
        else counts.refused += 1
      }
    })
    const watchers = others.slice(10, 12).map(async store => {
      while (!isOver) {
        const [token, owner] = await store.read(scope, [fence, 'owner'])
        if (token !== '0') assert.equal(owner, token)
      }
    })
    const until = performance.now() + 2000
    while (performance.now() < until) await new Promise(resolve => setTimeout(resolve, 50))
    isOver = true
    await Promise.all([...takers, ...writers, ...watchers])
    assert.ok(taken > 20 && counts.landed > 20 && counts.refused > 0, JSON.stringify({ taken, ...counts }))
  }, 30_000)

  test('any number of guards must all hold, and a batch whose guard fails changes nothing at all', async () => {
    const [store] = stores
    assert.ok(store)
    const values = Array.from({ length: 300 }, (_, at) => ({ name: `!guard/${at}`, value: `${at}` }))
    await store.write('many', values)
    const change = [{ name: 'creds', value: 'c' }]
    assert.equal(await store.write('many', change, [...values, { name: '!absent', value: undefined }]), true)
    const wrong = values.map((guard, at) => (at === 299 ? { ...guard, value: 'other' } : guard))
    const batch = [
      { name: 'creds', value: undefined },
      { name: 'session/1', value: 's' },
    ]
    assert.equal(await store.write('many', batch, wrong), false)
    assert.equal(await store.write('many', batch, [{ name: 'creds', value: undefined }]), false)
    assert.equal(await store.remove('many', wrong), false)
    assert.deepEqual(await store.read('many', ['creds', 'session/1']), ['c', undefined])
  })

  test('a guard tells an empty text from an absent record', async () => {
    const [store] = stores
    assert.ok(store)
    const change = [{ name: 'creds', value: 'c' }]
    assert.equal(await store.write('empty', change, [{ name: '!e', value: '' }]), false)
    await store.write('empty', [{ name: '!e', value: '' }])
    assert.equal(await store.write('empty', change, [{ name: '!e', value: undefined }]), false)
    assert.equal(await store.write('empty', change, [{ name: '!e', value: '' }]), true)
  })
})
