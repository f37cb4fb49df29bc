import assert from 'node:assert/strict'
import { type Collection, MongoClient } from 'mongodb'
import { MongoClient as Mongo6Client } from 'mongodb-6'
import { type MongoCollection, mongoStore } from '../../adapters/mongodb.ts'
import { useMongoAuthState } from '../../src/entries/mongodb.ts'
import type { Store } from '../../src/store.ts'
import { sharedServer } from '../servers/shared-server.ts'
import { commandsOf, freshName, testClient } from './mongodb-collections.ts'
import { interposed } from './mongodb-interposed.ts'

const phone = '4915112345678'
const record = `session/${phone}.0`

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

test.each(['mongodb 7', 'mongodb 6'])('%s does all that a session asks for', async driver => {
  const { url } = await sharedServer('mongodb')
  const other = driver === 'mongodb 7' ? new MongoClient(url) : new Mongo6Client(url)
  const place: MongoCollection = other.db().collection(collection.collectionName)
  await playedThrough(place)
  await other.close()
})

test('whatever a client’s own settings are, writes are of a majority and journaled, and texts come back as they went', async () => {
  const { url } = await sharedServer('mongodb')
  const strange = new MongoClient(url, {
    monitorCommands: true,
    ignoreUndefined: true,
    promoteValues: false,
    promoteLongs: false,
    useBigInt64: false,
    raw: true,
    serializeFunctions: true,
    bsonRegExp: true,
    writeConcern: { w: 0 },
    readPreference: 'secondaryPreferred',
    readConcern: { level: 'available' },
  })
  const concerns: unknown[] = []
  const levels: unknown[] = []
  strange.on('commandStarted', ({ command }) => {
    const { writeConcern, readConcern, update, insert } = command
    if (update || insert || command.delete || command.findAndModify) concerns.push(writeConcern)
    if (command.find) levels.push(readConcern?.level)
  })
  await playedThrough(strange.db().collection(collection.collectionName))
  assert.ok(concerns.length > 8)
  for (const concern of concerns) assert.equal(JSON.stringify(concern), '{"w":"majority","j":true}')
  assert.deepEqual([...new Set(levels)], ['local'])
  await strange.close()
})

test('a batch that no document can hold is BATCH_TOO_LARGE before anything is sent, by bytes and by overhead', async () => {
  const store = await opened(collection)
  assert.ok(await store.write('shop', [{ name: 'creds', value: 'c' }]))
  await store.close()
  const many = Array.from({ length: 400_000 }, (_, at) => ({ name: `${at}`, value: '' }))
  for (const changes of [[{ name: record, value: 'ä'.repeat(7 * 1024 * 1024) }], many]) {
    const sent = await commandsOf(client, async () => {
      const refused = await failure(store.write('shop', changes))
      assert.equal(refused.code, 'BATCH_TOO_LARGE')
      assert.equal(store.isPermanent?.(refused), true)
      assertClean(refused)
    })
    assert.deepEqual(sent, [])
  }
  const largest = 'x'.repeat(store.limits.batchBytes - record.length)
  assert.ok(await store.write('shop', [{ name: record, value: largest }]))
  assert.equal((await store.read('shop', [record]))[0]?.length, largest.length)
  await store.close()
}, 30_000)

test.each([
  ['a record’s value', { seq: { $exists: true }, value: 'c' }, { $set: { value: 7 } }],
  ['a record’s number', { seq: { $exists: true }, value: 'c' }, { $unset: { seq: '' } }],
  ['the log', { incarnation: { $exists: true } }, { $set: { log: [{ seq: 'x' }] } }],
  ['the incarnation', { incarnation: { $exists: true } }, { $set: { incarnation: 5 } }],
])('%s that another program changed is RECORD_CORRUPT, never absent', async (_, filter, update) => {
  const store = await opened(collection)
  assert.ok(await store.write('shop', [{ name: record, value: 'c' }]))
  await store.close()
  assert.ok(await store.write('shop', [{ name: 'creds', value: 'd' }]))
  await store.close()
  await collection.updateOne(filter, update)
  const refused = await failure(store.read('shop', [record]))
  assert.equal(refused.code, 'RECORD_CORRUPT')
  assert.equal(store.isPermanent?.(refused), true)
  assertClean(refused)
})

test('a server that is gone is a passing failure, and a closed client a permanent one', async () => {
  const away = new MongoClient('mongodb://127.0.0.1:9/x', { serverSelectionTimeoutMS: 100 })
  const store = mongoStore(away.db().collection('c'))
  for (const work of [
    () => store.open(),
    () => store.read('shop', [record]),
    () => store.write('shop', [{ name: record, value: 'v' }]),
  ]) {
    const refused = await failure(work())
    assert.match(refused.code, /^(READ|WRITE)_FAILED$/)
    assert.equal(store.isPermanent?.(refused), false)
    assertClean(refused)
  }
  await away.close()
})

test('errors of the server carry no id, value or filter, in any part of them', async () => {
  const codes = [11600, 13, 50, 91, 112, 11000, 64]
  for (const code of codes) {
    const store = await opened(
      interposed(collection, async (_, send) => {
        await send()
        throw Object.assign(new Error(`E11000 dup key: { _id: "${record}" } "v-secret"`), {
          name: 'MongoServerError',
          code,
          codeName: 'SomeName',
          keyValue: { _id: record },
          errInfo: { document: 'v-secret' },
          writeErrors: [{ err: { op: { q: record } } }],
        })
      }),
      false,
    )
    for (const work of [
      () => store.read('shop', [record]),
      () => store.write('shop', [{ name: record, value: 'v-secret' }]),
      () => store.remove('shop'),
    ]) {
      const refused = await work().then(
        () => undefined,
        error => error,
      )
      if (refused) assertClean(refused)
    }
  }
})

test('a newer layout is SCHEMA_NEWER, and untouched', async () => {
  await opened(collection)
  await collection.updateOne({ version: 1 }, { $set: { version: 2 } })
  const refused = await failure(mongoStore(collection).open())
  assert.equal(refused.code, 'SCHEMA_NEWER')
  assert.match(refused.message, /Update it/)
  const throughUse = await failure(useMongoAuthState(collection, { logger: false }))
  assert.equal(throughUse.code, 'SCHEMA_NEWER')
})

test('a collection with a collation, a capped one, and an index that forgets too soon are STORE_UNUSABLE', async () => {
  for (const options of [
    { collation: { locale: 'de' } },
    { capped: true },
    { viewOn: 'other' },
    { timeseries: {} },
  ]) {
    const place = answering(collection, 'options', async () => options)
    const refused = await failure(mongoStore(place).open())
    assert.equal(refused.code, 'STORE_UNUSABLE')
    assert.match(refused.message, /Name another one/)
  }
  const place = answering(collection, 'indexes', async () => [{ key: { gone: 1 }, expireAfterSeconds: 60 }])
  const refused = await failure(mongoStore(place).open())
  assert.equal(refused.code, 'STORE_UNUSABLE')
  assert.match(refused.message, /forgets removed records after 60 s/)
})

test('a unique index of the operator’s is STORE_UNUSABLE when the collection is made ready, unless _id is in it', async () => {
  await collection.createIndex({ scope: 1, _id: 1 }, { unique: true })
  await collection.createIndex({ scope: 1 }, { unique: true, name: 'theirs' })
  for (const open of [
    () => mongoStore(collection).open(),
    () => useMongoAuthState(collection, { logger: false }),
  ]) {
    const refused = await failure(open())
    assert.equal(refused.code, 'STORE_UNUSABLE')
    assert.match(refused.message, /unique index \(theirs\).*Drop it/)
  }
  await collection.dropIndex('theirs')
  await playedThrough(collection)
})

test('a unique index that comes later loses no acknowledged record: calls fail by its name until it is dropped', async () => {
  const store = await opened(collection)
  await collection.createIndex(
    { scope: 1, seq: 1 },
    { unique: true, name: 'theirs', partialFilterExpression: { seq: { $exists: true } } },
  )
  const fence = [{ name: '!fence', value: 'a' }]
  assert.ok(await store.write('shop', fence, [{ name: '!fence', value: undefined }]))
  const acknowledged = [
    { name: record, value: 'v-secret' },
    { name: 'creds', value: 'c' },
    { name: 'pre-key/1', value: 'one' },
  ]
  assert.ok(await store.write('shop', acknowledged, fence))
  const names = acknowledged.map(({ name }) => name)
  const texts = acknowledged.map(({ value }) => value)
  // What the first attempt to apply meets.
  await store.close()
  for (let turn = 0; turn < 3; turn++) {
    const refused = await failure(store.write('shop', [{ name: 'pre-key/2', value: 'two' }], fence))
    assert.equal(refused.code, 'STORE_UNUSABLE')
    assert.match(refused.message, /unique index.*Drop/)
    assert.equal(store.isPermanent?.(refused), true)
    assertClean(refused)
    assert.deepEqual(await store.read('shop', names), texts)
  }
  await collection.dropIndex('theirs')
  assert.ok(await store.write('shop', [{ name: 'pre-key/2', value: 'two' }], fence))
  await store.close()
  const next = await opened(collection)
  assert.ok(await next.write('shop', [{ name: '!fence', value: 'b' }], fence))
  assert.deepEqual(await next.read('shop', [...names, 'pre-key/2']), [...texts, 'two'])
  assert.equal(await collection.countDocuments({ scope: 'shop', value: { $exists: true } }), 4)
})

test.each([
  [
    'by its key, as MongoDB says it of one insert',
    { keyPattern: { scope: 1 }, keyValue: { scope: 's' } },
    'E11000',
  ],
  [
    'by its name, though a key says otherwise',
    {},
    'E11000 duplicate key error collection: d.c index: theirs dup key: { scope: " index: _id_ dup key: " }',
  ],
])(
  'a document that another index refuses is not taken for one that is there: %s',
  async (_, parts, message) => {
    const place = interposed(collection, async (method, send) => {
      if (method !== 'insertOne') return send()
      throw Object.assign(new Error(message), { name: 'MongoServerError', code: 11000, ...parts })
    })
    const store = await opened(place, false)
    const refused = await failure(store.write('shop', [{ name: 'creds', value: 'c' }]))
    assert.equal(refused.code, 'STORE_UNUSABLE')
    assert.match(refused.message, /unique index/)
  },
)

test('what is no collection is a TypeError at the call', () => {
  for (const wrong of [undefined, client, client.db(), 'mongodb://127.0.0.1', {}]) {
    assert.throws(() => mongoStore(Object(wrong)), TypeError)
  }
})

test('of twenty that open a new collection at once all succeed, and a later one changes nothing', async () => {
  const stores = Array.from({ length: 20 }, () =>
    mongoStore(client.db().collection(collection.collectionName)),
  )
  await Promise.all(stores.map(store => store.open()))
  assert.equal(await collection.countDocuments(), 1)
  assert.ok(
    (await collection.indexes()).some(
      ({ name, expireAfterSeconds }) => name === 'authkit_gone' && expireAfterSeconds === 172_800,
    ),
  )
  // A user without the right to make indexes does not need it any more.
  const place = answering(collection, 'createIndex', async () => Promise.reject(new Error('not authorized')))
  await mongoStore(place).open()
  assert.deepEqual(stores[0]?.identity, stores[19]?.identity)
})

test('of twenty racing first openers exactly one wins, through several clients, twenty times', async () => {
  const { url } = await sharedServer('mongodb')
  const clients = Array.from({ length: 4 }, () => new MongoClient(url))
  const stores = clients.map(each => mongoStore(each.db().collection(collection.collectionName)))
  await Promise.all(stores.map(store => store.open()))
  for (let round = 0; round < 20; round++) {
    const won = await Promise.all(
      Array.from({ length: 20 }, async (_, at) => {
        const changes = [
          { name: '!fence', value: String(at) },
          { name: 'creds', value: String(at) },
        ]
        return stores[at % 4]?.write(`s${round}`, changes, [{ name: '!fence', value: undefined }])
      }),
    )
    assert.equal(won.filter(Boolean).length, 1)
    const winner = String(won.indexOf(true))
    assert.deepEqual(await stores[0]?.read(`s${round}`, ['!fence', 'creds']), [winner, winner])
  }
  await Promise.all(stores.map(store => store.close()))
  await Promise.all(clients.map(each => each.close()))
}, 60_000)

/** A collection whose one method answers as another server, or user, would have it. */
function answering(place: Collection, method: string, answer: () => Promise<unknown>): MongoCollection {
  return new Proxy(place, {
    get(target, name) {
      if (name === method) return answer
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

async function playedThrough(place: MongoCollection): Promise<void> {
  const store = await opened(place)
  const fence = (value: string) => [{ name: '!fence', value }]
  assert.ok(await store.write('shop', fence('a'), [{ name: '!fence', value: undefined }]))
  const texts = { creds: '{"a":1}', [record]: 'ä\ud83d\ude00', 'pre-key/1': '' }
  const changes = Object.entries(texts).map(([name, value]) => ({ name, value }))
  assert.ok(await store.write('shop', changes, fence('a')))
  assert.deepEqual(await store.read('shop', Object.keys(texts)), Object.values(texts))
  await store.close()
  assert.deepEqual(await store.read('shop', [...Object.keys(texts), 'none']), [
    ...Object.values(texts),
    undefined,
  ])
  assert.ok(await store.write('shop', [{ name: 'pre-key/1', value: undefined }], fence('a')))
  await store.close()
  assert.equal(await store.write('shop', changes, fence('b')), false)
  assert.ok(await store.write('shop', fence('b'), fence('a')))
  const entries = []
  for await (const page of store.list('shop', { values: true })) entries.push(...page)
  assert.deepEqual(entries.map(({ name, value }) => [name, value]).sort(), [
    ['!fence', 'b'],
    ['creds', texts.creds],
    [record, texts[record]],
  ])
  const scopes = []
  for await (const page of store.scopes()) scopes.push(...page)
  assert.deepEqual(scopes, ['shop'])
  assert.ok(await store.remove('shop', fence('b')))
  assert.deepEqual(await store.read('shop', ['!fence', 'creds']), [undefined, undefined])
  await store.close()
}

async function opened(place: MongoCollection, opens = true): Promise<Store> {
  const store = mongoStore(place)
  if (opens) await store.open()
  return store
}

function assertClean(error: Error): void {
  const seen = new Set<unknown>()
  const parts: string[] = []
  const look = (value: unknown) => {
    if (typeof value === 'string') parts.push(value)
    if (typeof value !== 'object' || value === null || seen.has(value)) return
    seen.add(value)
    for (const name of Object.getOwnPropertyNames(value)) {
      parts.push(name)
      look(Reflect.get(value, name))
    }
  }
  look(error)
  assert.ok(!parts.some(part => part.includes(phone) || part.includes('v-secret')), parts.join('\n'))
}

async function failure(promise: Promise<unknown>): Promise<Error & { code: string }> {
  return promise.then(
    () => assert.fail('It did not fail.'),
    (error: Error & { code: string }) => error,
  )
}
