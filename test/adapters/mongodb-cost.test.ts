import assert from 'node:assert/strict'
import type { Collection, MongoClient } from 'mongodb'
import { mongoStore } from '../../adapters/mongodb.ts'
import { useMongoAuthState } from '../../src/entries/mongodb.ts'
import type { Store } from '../../src/store.ts'
import { commandsOf, freshName, testClient } from './mongodb-collections.ts'

/** Longer than until what has landed is applied, and shorter than a heartbeat's period. */
const restMs = 2_500

let client: MongoClient
let collection: Collection

beforeAll(async () => {
  client = await testClient()
})
afterAll(() => client.close())
beforeEach(() => {
  collection = client.db().collection(freshName())
})
afterEach(() => collection.drop().catch(() => {}))

const scope = 'shop'
const fence = [{ name: '!fence', value: 'token' }]

test('reads of 1, 100 and 1,000 records are one command each, also of records that are not applied or not there', async () => {
  const store = await taken()
  await write(store, records(1000))
  await store.close()
  for (const count of [1, 100, 1000]) {
    for (const prefix of ['pre-key', 'session']) {
      const names = Array.from({ length: count }, (_, at) => `${prefix}/${at}`)
      assert.deepEqual(await commandsOf(client, () => store.read(scope, names)), ['find'])
    }
  }
  assert.deepEqual(await commandsOf(client, () => store.read(scope, ['!fence'])), ['find'])
})

test('a batch of 1 and of 812 records is one command before it resolves, and one after', async () => {
  const store = await taken()
  for (const count of [1, 812, 1, 812]) {
    const changes = records(count)
    const names: string[] = []
    const before = await commandsOf(client, async () => {
      await write(store, changes)
      names.push('resolved')
    })
    assert.deepEqual(before.slice(0, 1), ['update'])
    await store.close()
    const all = await commandsOf(client, () => write(store, changes).then(() => store.close()))
    assert.deepEqual(all, ['update', 'update'])
  }
})

test('a whole session of 10,000 records is one command', async () => {
  const store = await taken()
  for (let from = 0; from < 10_000; from += 1_000) await write(store, records(1_000, from))
  await store.close()
  const found = new Map<string, string | undefined>()
  const commands = await commandsOf(client, async () => {
    for await (const page of store.list(scope, { values: true, pageBytes: 16 * 1024 * 1024 }))
      for (const { name, value } of page) found.set(name, value)
  })
  assert.deepEqual(commands, ['find'])
  assert.equal(found.size, 10_001)
  assert.equal(found.get('pre-key/7'), 'x'.repeat(200))
  await store.close()
})

test('a session of 100,000 records costs as many commands and documents for each operation as one of 100', async () => {
  const costs = []
  for (const size of [100, 100_000]) {
    await collection.drop().catch(() => {})
    const store = await taken()
    await write(store, records(1))
    await store.close()
    const { incarnation } = Object(await collection.findOne({ incarnation: { $exists: true } }))
    await fill(scope, incarnation, records(size - 1, 1))
    costs.push(await costsOf(store), await logLength())
  }
  assert.deepEqual(costs.slice(2), costs.slice(0, 2))
})

test('beside 500 other sessions of 20 records each operation is the same commands and documents as alone', async () => {
  const costs = []
  for (const others of [0, 500]) {
    await collection.drop().catch(() => {})
    const store = await taken()
    await write(store, records(200))
    await store.close()
    // On both sides of ours, by their names and by their records' ids.
    for (let at = 0; at < others; at++) {
      const incarnation = at.toString(16).padStart(3, '0').padEnd(24, '0')
      const other = `${at % 2 ? 'a' : 'z'}${at}`
      await Object(collection).insertOne({
        _id: `!!${other}`,
        scope: other,
        incarnation,
        seq: 1,
        reserved: {},
        log: [],
      })
      await fill(other, incarnation, records(20))
    }
    costs.push(await costsOf(store), await listCost(store))
  }
  assert.deepEqual(costs.slice(2), costs.slice(0, 2))
})

test('opening what is open already, beside 500 other sessions, is one command, and reads none of them', async () => {
  const store = await taken()
  for (let at = 0; at < 500; at++) {
    await store.write(`other-${at}`, [{ name: 'creds', value: 'c' }])
  }
  await store.close()
  const again = mongoStore(collection)
  let documents = 0
  assert.deepEqual(
    await commandsOf(client, async () => {
      documents = await documentsSent(() => again.open())
    }),
    ['find'],
  )
  assert.equal(documents, 1)
  assert.equal(await documentsSent(() => again.read(scope, ['!fence'])), 1)
})

test('through an auth state a cached read costs nothing, nor does an idle session beside its heartbeat', async () => {
  const auth = await useMongoAuthState(collection, {
    session: 'shop',
    logger: false,
    // A heartbeat that is late on a busy machine makes the session look at its fence.
    lease: { ttlMs: 60_000 },
    cache: { preload: false },
  })
  await auth.saveCreds()
  await auth.state.keys.set({ 'lid-mapping': { a: 'b' } })
  await new Promise(resolve => setTimeout(resolve, restMs))
  const read = () => auth.state.keys.get('lid-mapping', ['a', 'b'])
  assert.deepEqual(await commandsOf(client, async () => read()), ['find'])
  assert.deepEqual(await commandsOf(client, async () => read()), [])
  const idle = await commandsOf(client, async () => {}, 4_000)
  assert.ok(idle.length <= 1, idle.join())
  assert.ok(idle.every(name => name === 'update'))
  await auth.close()
})

/** The commands, and the documents that come back, of what a session does all day. */
async function costsOf(
  store: Store,
): Promise<readonly (readonly [names: readonly string[], documents: number])[]> {
  const names = (count: number) => Array.from({ length: count }, (_, at) => `pre-key/${at}`)
  const works: readonly (() => Promise<unknown>)[] = [
    () => store.read(scope, ['pre-key/1', 'pre-key/50', 'session/none']),
    () => store.read(scope, names(100)),
    () => write(store, records(1)).then(() => store.close()),
    () => write(store, records(10)).then(() => store.close()),
    () => store.write(scope, [{ name: '!fence', value: 'token' }], fence),
  ]
  const costs: (readonly [readonly string[], number])[] = []
  for (const work of works) costs.push(await costOf(work))
  return costs
}

async function listCost(store: Store): Promise<readonly [readonly string[], number]> {
  let found = 0
  const cost = await costOf(async () => {
    for await (const page of store.list(scope, { values: true })) found += page.length
  })
  assert.equal(found, 201)
  return cost
}

async function costOf(work: () => Promise<unknown>): Promise<readonly [readonly string[], number]> {
  let documents = 0
  const names = await commandsOf(client, async () => {
    documents = await documentsSent(work)
  })
  return [names, documents]
}

/** Records as they are when they were applied. */
async function fill(
  of: string,
  incarnation: string,
  entries: readonly { name: string; value: string }[],
): Promise<void> {
  for (let at = 0; at < entries.length; at += 5_000) {
    await Object(collection).insertMany(
      entries
        .slice(at, at + 5_000)
        .map(({ name, value }) => ({ _id: `!${incarnation}!${name}`, scope: of, seq: 1, value })),
    )
  }
}

async function taken(): Promise<Store> {
  const store = mongoStore(collection)
  await store.open()
  assert.ok(
    await store.write(scope, [{ name: '!fence', value: 'token' }], [{ name: '!fence', value: undefined }]),
  )
  return store
}

async function write(store: Store, changes: readonly { name: string; value: string }[]): Promise<void> {
  assert.ok(await store.write(scope, changes, fence))
}

function records(count: number, from = 0): { name: string; value: string }[] {
  return Array.from({ length: count }, (_, at) => ({ name: `pre-key/${from + at}`, value: 'x'.repeat(200) }))
}

/** How many documents come back while `work` goes on. */
async function documentsSent(work: () => Promise<unknown>): Promise<number> {
  let count = 0
  const note = ({ reply }: { reply: unknown }) => {
    const { firstBatch, nextBatch } = Object(Object(reply).cursor)
    count += (firstBatch ?? nextBatch ?? []).length
  }
  client.on('commandSucceeded', note)
  await work()
  client.off('commandSucceeded', note)
  return count
}

async function logLength(): Promise<number> {
  return Object(await collection.findOne({ scope, incarnation: { $exists: true } })).log.length
}
