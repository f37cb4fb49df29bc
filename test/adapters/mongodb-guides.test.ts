import assert from 'node:assert/strict'
import { jest } from '@jest/globals'
import { BufferJSON, initAuthCreds, proto } from '@whiskeysockets/baileys'
import type { Collection, MongoClient } from 'mongodb'
import { mongoStore } from '../../adapters/mongodb.ts'
import { type MongoAuthStateOptions, useMongoAuthState } from '../../src/entries/mongodb.ts'
import { documentsOf, freshName, testClient } from './mongodb-collections.ts'
import { Gate, type Interposition, interposed } from './mongodb-interposed.ts'

/** As the guides' function leaves it. */
interface GuidesDocument {
  _id: string
  data: string
}

const creds = initAuthCreds()
const keyData = proto.Message.AppStateSyncKeyData.create({ keyData: Buffer.from('key data') })
const group = '120363000000000000@g.us::4915112345678::0'
const keys: readonly (readonly [type: string, id: string, value: unknown])[] = [
  ['pre-key', '1', { public: Buffer.from('public'), private: Buffer.from('private') }],
  ['session', '4915112345678.0', Buffer.from('a session')],
  ['sender-key', group, Buffer.from('a sender key')],
  ['sender-key-memory', '120363000000000000@g.us', { '4915112345678@s.whatsapp.net': true }],
  ['app-state-sync-key', 'AAAA/ABC', keyData],
  ['app-state-sync-version', 'critical_block', { version: 3 }],
  ['lid-mapping', '4915112345678', '123456789'],
  ['device-list', '4915112345678', ['0', '1']],
  ['identity-key', '4915112345678.0', Buffer.from('identity')],
  ['tctoken', '__index', { token: Buffer.from('t') }],
]

let client: MongoClient
let collection: Collection<GuidesDocument>

beforeAll(async () => {
  client = await testClient()
})
afterAll(() => client.close())
beforeEach(() => {
  collection = client.db().collection<GuidesDocument>(freshName())
})
afterEach(() => collection.drop())

test('a session of the guides’ function is adopted whole at the first call, logged once, and its documents are gone', async () => {
  await fill()
  const { logger, logged } = recordingLogger()
  const auth = await useMongoAuthState(collection, { logger })
  assert.deepEqual(auth.state.creds.noiseKey, creds.noiseKey)
  for (const [type, id, value] of keys) await assertKey(auth, type, id, value)
  assert.equal(logged.filter(line => /Adopted 11 documents/.test(line)).length, 1)
  assert.deepEqual(await guidesIds(), [])
  await auth.close()
  const again = await useMongoAuthState(collection, { logger })
  assert.deepEqual(again.state.creds.noiseKey, creds.noiseKey)
  assert.equal(logged.length, 1)
  await again.close()
})

test('without a logger the adoption is one of Node’s warnings', async () => {
  await fill()
  const emit = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const auth = await useMongoAuthState(collection)
  await auth.close()
  const messages = emit.mock.calls.map(([message]) => String(message))
  emit.mockRestore()
  assert.equal(messages.filter(message => /Adopted 11 documents/.test(message)).length, 1)
})

test('ids that the guides’ fixFileName has changed get back what it replaced', async () => {
  await fill((type, id) => `${type}-${id.replaceAll('/', '__').replaceAll(':', '-')}`)
  const auth = await useMongoAuthState(collection, { logger: false })
  for (const [type, id, value] of keys) await assertKey(auth, type, id, value)
  await auth.close()
})

test('another session is made anew, and leaves the guides’ documents alone, as do documents of other shapes', async () => {
  await fill()
  const others = client
    .db()
    .collection<{ _id: string; text?: string; data?: string }>(collection.collectionName)
  await others.insertMany([
    { _id: 'session-1', text: 'not of the guides' },
    { _id: 'settings', data: '{}' },
  ])
  const shop = await useMongoAuthState(collection, { session: 'shop-1', logger: false })
  assert.notDeepEqual(shop.state.creds.noiseKey, creds.noiseKey)
  assert.equal((await guidesIds()).length, 13)
  await shop.close()
  await (await useMongoAuthState(collection, { logger: false })).close()
  assert.deepEqual(await guidesIds(), ['session-1', 'settings'])
})

test.each([
  ['text that is no JSON', 'pre-key-1', '{"public":', 'RECORD_CORRUPT'],
  ['data that is no text', 'session-4915112345678.0', { buffer: true }, 'RECORD_CORRUPT'],
  ['creds that are null', 'creds', 'null', 'RECORD_CORRUPT'],
  ['no creds', 'creds', undefined, 'CREDS_MISSING'],
])('%s is an error by name, and nothing is changed', async (_, _id, data, code) => {
  await fill()
  if (data === undefined) await collection.deleteOne({ _id })
  else await collection.updateOne({ _id }, { $set: Object({ data }) })
  const before = await guidesDocuments()
  const refused = await failure(useMongoAuthState(collection, { logger: false }))
  assert.equal(refused.code, code)
  assert.match(refused.message, /Nothing was changed/)
  assert.ok(!JSON.stringify([refused.message, refused, refused.cause]).includes('4915112345678'))
  assert.deepEqual(await guidesDocuments(), before)
  assert.deepEqual((await documentsOf(Object(collection))).filter(isOfRecord), [])
})

test('of ten processes that adopt at once all open the same identity, and no record is there twice', async () => {
  await fill()
  const stores = Array.from({ length: 10 }, () => mongoStore(collection, { adopt: 'default' }))
  await Promise.all(stores.map(store => store.open()))
  assert.equal(stores.filter(({ warnings }) => warnings?.length === 1).length, 1)
  assert.equal((await documentsOf(Object(collection))).filter(isOfRecord).length, 11)
  const auth = await useMongoAuthState(collection, { logger: false })
  assert.deepEqual(auth.state.creds.noiseKey, creds.noiseKey)
  await auth.close()
})

describe('an adoption that another takes for dead', () => {
  const hours = 3_600_000

  test.each(['copying', 'deciding', 'making the session', 'done'])(
    'while it is %s, by a clock that is two hours ahead, loses nothing, and leaves no record that is nobody’s',
    async step => {
      await fill()
      // The command with which that begins.
      const method = { copying: 'bulkWrite', deciding: 'updateOne', 'making the session': 'insertOne' }[step]
      const gate = new Gate()
      let hasPassed = false
      const adopter = mongoStore(
        interposed(collection, (name, send) => {
          const isIt = name === method && !hasPassed && (name !== 'insertOne' || isDecided)
          if (name === 'updateOne') isDecided = true
          if (!isIt) return send()
          hasPassed = true
          return gate.pass(send)
        }),
        { adopt: 'default' },
      )
      let isDecided = false
      const adoption = adopter.open().catch((error: unknown) => error)
      if (method) await gate.reached
      else await adoption
      await sweptIn(2 * hours)
      gate.open()
      await adoption
      const auth = await useMongoAuthState(collection, { logger: false })
      assert.deepEqual(auth.state.creds.noiseKey, creds.noiseKey)
      for (const [type, id, value] of keys) await assertKey(auth, type, id, value)
      await auth.close()
      assert.deepEqual(await guidesIds(), [])
      await sweptIn(4 * hours)
      assert.equal((await documentsOf(Object(collection))).filter(isOfRecord).length, 11)
      assert.deepEqual(await graves(), [])
    },
  )

  test.each(['bulkWrite', 'updateOne', 'insertOne'])(
    'and that goes on at its %s when the session was adopted, logged out and removed does not bring it back',
    async method => {
      await fill()
      const gate = new Gate()
      let sent: string[] = []
      const stopped = mongoStore(
        interposed(collection, (name, send) => {
          const isIt = name === method && (name !== 'insertOne' || sent.includes('updateOne'))
          sent = [...sent, name]
          return isIt ? gate.pass(send) : send()
        }),
        { adopt: 'default' },
      )
      const adoption = stopped.open().catch((error: unknown) => error)
      await gate.reached
      const auth = await useMongoAuthState(collection, { logger: false })
      assert.deepEqual(auth.state.creds.noiseKey, creds.noiseKey)
      await auth.remove()
      gate.open()
      await adoption
      const next = await useMongoAuthState(collection, { logger: false })
      assert.notDeepEqual(next.state.creds.noiseKey, creds.noiseKey)
      assert.equal((await next.state.keys.get('lid-mapping', ['4915112345678']))['4915112345678'], null)
      await next.close()
      await sweptIn(4 * hours)
      const { incarnation } = Object(await collection.findOne(Object({ incarnation: { $exists: true } })))
      const records = (await documentsOf(Object(collection))).filter(isOfRecord)
      assert.ok(records.every(record => Object(record)._id.startsWith(`!${incarnation}!`)))
    },
  )

  test('when a crash after its decision left it so is swept when another has adopted the session', async () => {
    await fill()
    for (let at = 0; (await graves()).every(grave => Object(grave).adoption !== 'decided'); at++) {
      await collection.deleteMany({ _id: /^!/ })
      await adoptUntil(at, 'after')
    }
    await sweptIn(2 * hours)
    assert.equal((await graves()).length, 1)
    await (await useMongoAuthState(collection, { logger: false })).close()
    assert.equal((await documentsOf(Object(collection))).filter(isOfRecord).length, 22)
    await sweptIn(2 * hours)
    assert.deepEqual(await graves(), [])
    assert.equal((await documentsOf(Object(collection))).filter(isOfRecord).length, 11)
  })
})

test('documents that are deleted while they are read for an adoption make it begin anew', async () => {
  await fill()
  let finds = 0
  const place = interposed(collection, async (name, send) => {
    if (name === 'find' && ++finds === 3)
      await (await useMongoAuthState(collection, { logger: false })).close()
    return send()
  })
  const store = mongoStore(place, { adopt: 'default' })
  await store.open()
  assert.equal((await documentsOf(Object(collection))).filter(isOfRecord).length, 11)
  assert.deepEqual(await graves(), [])
})

describe.each(['before', 'after'])('a crash %s each command', moment => {
  test('neither loses nor doubles the session', async () => {
    let crashes = 0
    for (let at = 0; ; at++) {
      await fill()
      const hasCrashed = await adoptUntil(at, moment)
      const auth = await useMongoAuthState(collection, { logger: false })
      assert.deepEqual(auth.state.creds.noiseKey, creds.noiseKey, `after command ${at}`)
      for (const [type, id, value] of keys) await assertKey(auth, type, id, value)
      await auth.close()
      assert.deepEqual(await guidesIds(), [])
      await collection.deleteMany({})
      if (!hasCrashed) break
      crashes += 1
    }
    assert.ok(crashes >= 10, `${crashes} commands`)
  }, 60_000)

  test('can not bring a session back that is removed after it', async () => {
    for (let at = 0; ; at++) {
      await fill()
      const hasCrashed = await adoptUntil(at, moment)
      const store = mongoStore(collection)
      await store.open()
      const wasThere = (await store.read('default', ['creds']))[0] !== undefined
      if (wasThere) {
        // The removal crashes, too, and is repeated.
        for (let step = 0; ; step++) {
          const broken = mongoStore(interposed(collection, crashingAt(step, 'before')))
          const isDone = await broken.remove('default').catch(() => false)
          if (isDone) break
        }
        const auth = await useMongoAuthState(collection, { logger: false })
        assert.notDeepEqual(auth.state.creds.noiseKey, creds.noiseKey, `after command ${at}`)
        await auth.close()
        assert.deepEqual(await guidesIds(), [])
      }
      await collection.deleteMany({})
      if (!hasCrashed) break
    }
  }, 60_000)
})

test.each([
  ['creds and keys', () => fill()],
  ['keys alone', async () => fillKeys(['session-1.0', 'pre-key-7'])],
])('%s that the guides’ function writes after the adoption are left alone, and told of', async (_, write) => {
  await fill()
  await (await useMongoAuthState(collection, { logger: false })).close()
  await write()
  const before = await guidesIds()
  const { logger, logged } = recordingLogger()
  const auth = await useMongoAuthState(collection, { logger })
  assert.equal(logged.filter(line => /End that program/.test(line)).length, 1)
  assert.deepEqual(await guidesIds(), before)
  await auth.close()
})

describe.each([
  ['adopted', () => fill()],
  ['made here', async () => {}],
])('a session that was %s', (_, begin) => {
  test.each([
    ['creds and keys', () => fill()],
    ['keys alone', async () => fillKeys(['session-1.0', 'pre-key-7'])],
  ])(
    'takes along what an old bot wrote since, %s, when it is removed: the next one is new',
    async (_, write) => {
      await begin()
      const auth = await useMongoAuthState(collection, { logger: false })
      await auth.saveCreds()
      await write()
      const again = await useMongoAuthState(collection, { logger: false })
      await again.remove()
      assert.deepEqual(await guidesIds(), [])
      const next = await useMongoAuthState(collection, { logger: false })
      assert.notDeepEqual(next.state.creds.noiseKey, creds.noiseKey)
      assert.notDeepEqual(next.state.creds.noiseKey, auth.state.creds.noiseKey)
      await next.close()
    },
  )
})

test('an adopted session takes them along also when a store removes it that adopts nothing; others leave them', async () => {
  await fill()
  await (await useMongoAuthState(collection, { logger: false })).close()
  await fillKeys(['session-1.0'])
  const store = mongoStore(collection)
  await store.open()
  await store.write('other', [{ name: 'creds', value: 'c' }])
  assert.ok(await store.remove('other'))
  assert.deepEqual(await guidesIds(), ['session-1.0'])
  assert.ok(await store.remove('default'))
  assert.deepEqual(await guidesIds(), [])
})

test('a session whose documents are all deleted past our code is new at the next call, and the old one writes nothing more', async () => {
  const old = await useMongoAuthState(collection, { logger: false })
  await old.saveCreds()
  await old.state.keys.set({ 'lid-mapping': { a: 'old' } })
  // As a guide's logout does it: the schema's note goes along, the collection and its indexes stay.
  await collection.deleteMany({})
  const next = await useMongoAuthState(collection, { logger: false })
  assert.notDeepEqual(next.state.creds.noiseKey, old.state.creds.noiseKey)
  await next.saveCreds()
  const refused = await failure(Promise.resolve(old.state.keys.set({ 'lid-mapping': { a: 'late' } })))
  assert.equal(refused.code, 'SESSION_REMOVED')
  assert.equal((await failure(old.saveCreds())).code, 'SESSION_REMOVED')
  assert.deepEqual(await next.state.keys.get('lid-mapping', ['a']), { a: null })
  await next.close()
  const again = await useMongoAuthState(collection, { logger: false })
  assert.deepEqual(again.state.creds.noiseKey, next.state.creds.noiseKey)
  await again.close()
})

async function fillKeys(ids: readonly string[]): Promise<void> {
  await collection.insertMany(ids.map(_id => ({ _id, data: '{}' })))
}

async function fill(idOf = (type: string, id: string) => `${type}-${id}`): Promise<void> {
  const text = (value: unknown) => JSON.stringify(value, BufferJSON.replacer)
  await collection.insertMany([
    { _id: 'creds', data: text(creds) },
    ...keys.map(([type, id, value]) => ({ _id: idOf(type, id), data: text(value) })),
  ])
}

/** Opens the store as a process does that ends at its n-th command; false where it did not come so far. */
async function adoptUntil(at: number, moment: string): Promise<boolean> {
  const store = mongoStore(interposed(collection, crashingAt(at, moment)), { adopt: 'default' })
  return store.open().then(
    () => false,
    () => true,
  )
}

/** From its n-th command on a process does nothing more: before the server has it, or just before its answer. */
function crashingAt(at: number, moment: string): Interposition {
  let sent = 0
  return async (_, send) => {
    const number = sent++
    if (number > at || (number === at && moment === 'before')) throw new Error('crashed')
    const answer = await send()
    if (number === at) throw new Error('crashed')
    return answer
  }
}

async function assertKey(
  auth: Awaited<ReturnType<typeof useMongoAuthState>>,
  type: string,
  id: string,
  value: unknown,
): Promise<void> {
  const { [id]: found } = await auth.state.keys.get(Object(type).valueOf(), [id])
  assert.equal(JSON.stringify(found, BufferJSON.replacer), JSON.stringify(value, BufferJSON.replacer), type)
}

/** Has a process sweep whose clock is that much ahead. */
async function sweptIn(ms: number): Promise<void> {
  const now = Date.now
  Date.now = () => now() + ms
  try {
    const store = mongoStore(collection)
    await store.open()
    await store.close()
  } finally {
    Date.now = now
  }
}

async function graves(): Promise<object[]> {
  return (await documentsOf(Object(collection))).filter(document =>
    String(Object(document)._id).startsWith('!#'),
  )
}

async function guidesDocuments(): Promise<object[]> {
  return (await documentsOf(Object(collection))).filter(document => !Object(document)._id.startsWith('!'))
}

async function guidesIds(): Promise<string[]> {
  return (await guidesDocuments()).map(document => String(Object(document)._id))
}

function isOfRecord(document: object): boolean {
  return /^![0-9a-f]+!/.test(Object(document)._id)
}

function recordingLogger(): { logger: NonNullable<MongoAuthStateOptions['logger']>; logged: string[] } {
  const logged: string[] = []
  const note = (_: object, message?: string) => logged.push(String(message))
  const logger = {
    level: 'info',
    child: () => logger,
    trace() {},
    debug() {},
    info() {},
    warn: note,
    error: note,
  }
  return { logger: Object(logger), logged }
}

async function failure(promise: Promise<unknown>): Promise<Error & { code: string }> {
  return promise.then(
    () => assert.fail('It did not fail.'),
    (error: Error & { code: string }) => error,
  )
}
