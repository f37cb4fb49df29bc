import assert from 'node:assert/strict'
import type { Collection, MongoClient } from 'mongodb'
import { type MongoCollection, mongoStore } from '../../adapters/mongodb.ts'
import type { Change, Store } from '../../src/store.ts'
import { documentsOf, freshName, testClient } from './mongodb-collections.ts'
import { Gate, type Interposition, interposed } from './mongodb-interposed.ts'

let client: MongoClient
let collection: Collection

beforeAll(async () => {
  client = await testClient()
})
afterAll(() => client.close())
beforeEach(() => {
  collection = client.db().collection(freshName())
})
afterEach(() => collection.drop())

const scope = 'shop'
const guarded = (token: string) => [{ name: '!fence', value: token }]
const put = (name: string, value: string | undefined): Change => ({ name, value })

test('what was acknowledged and never applied is there for whoever takes over, and is applied then', async () => {
  const old = await opened(interposed(collection, dropping('bulkWrite')))
  await take(old, undefined, 'old')
  await land(old, 'old', put('creds', 'c'), put('pre-key/1', 'one'), put('pre-key/2', 'two'))
  await land(old, 'old', put('pre-key/1', undefined), put('pre-key/2', 'newer'))
  assert.deepEqual(await read(old), ['c', undefined, 'newer'])
  assert.deepEqual(await recordsIn(), [])

  const next = await opened(collection)
  assert.deepEqual(await read(next), ['c', undefined, 'newer'])
  await take(next, 'old', 'next')
  assert.deepEqual(await read(next), ['c', undefined, 'newer'])
  await next.close()
  assert.deepEqual(await recordsIn(), [
    ['creds', 'c'],
    ['pre-key/1', undefined],
    ['pre-key/2', 'newer'],
  ])
  // The next batch cuts the log.
  await land(next, 'next', put('pre-key/3', 'three'))
  await next.close()
  assert.equal((await scopeDocument()).log.length, 1)
})

test('a take-over keeps batches that two owners before it left in the log', async () => {
  const stores = []
  for (const token of ['a', 'b', 'c']) {
    const store = await opened(interposed(collection, dropping('bulkWrite')))
    const last = stores.at(-1)
    await take(store, last, token)
    await land(store, token, put(`pre-key/${token}`, token))
    stores.push(token)
  }
  const reader = await opened(collection)
  assert.deepEqual(await reader.read(scope, ['pre-key/a', 'pre-key/b', 'pre-key/c']), ['a', 'b', 'c'])
  await take(reader, 'c', 'd')
  await reader.close()
  assert.deepEqual(await reader.read(scope, ['pre-key/a', 'pre-key/b', 'pre-key/c']), ['a', 'b', 'c'])
  assert.equal((await recordsIn()).length, 3)
})

test('a record that another inserts at the same moment is looked at again: it may be the older one', async () => {
  let bulks = 0
  const interposition: Interposition = async (method, send) => {
    bulks += method === 'bulkWrite' ? 1 : 0
    if (method !== 'bulkWrite' || bulks > 1) return send()
    // What an upsert meets whose filter had found nothing when the other's had not come yet.
    const records: Collection<{ _id: string }> = client.db().collection(collection.collectionName)
    const _id = `!${(await scopeDocument()).incarnation}!pre-key/1`
    await records.insertOne({ _id, scope: 'not found', seq: 0, value: 'older' } as { _id: string })
    return await send().finally(() => records.updateOne({ _id }, { $set: { scope } }))
  }
  const store = await opened(interposed(collection, interposition))
  await take(store, undefined, 'me')
  await land(store, 'me', put('creds', 'c'), put('pre-key/1', 'newer'))
  await store.close()
  assert.equal(bulks, 2)
  assert.deepEqual(await recordsIn(), [
    ['creds', 'c'],
    ['pre-key/1', 'newer'],
  ])
})

test('an apply that arrives after a take-over, newer batches and removals changes nothing', async () => {
  const gate = new Gate()
  const zombie = await opened(
    interposed(collection, (method, send) => (method === 'bulkWrite' ? gate.pass(send) : send())),
  )
  await take(zombie, undefined, 'zombie')
  await land(zombie, 'zombie', put('creds', 'old'), put('pre-key/1', 'old'), put('pre-key/2', 'old'))
  await gate.reached

  const owner = await opened(collection)
  await take(owner, 'zombie', 'owner')
  await land(owner, 'owner', put('creds', 'new'), put('pre-key/1', undefined), put('pre-key/2', 'new'))
  await owner.close()
  const before = await recordsIn()
  gate.open()
  await zombie.close()
  assert.deepEqual(await recordsIn(), before)
  assert.deepEqual(await read(owner), ['new', undefined, 'new'])
  assert.equal(await zombie.write(scope, [put('creds', 'late')], guarded('zombie')), false)
})

test('an apply that arrives after the session was removed and made anew does not show', async () => {
  const gate = new Gate()
  const zombie = await opened(
    interposed(collection, (method, send) => (method === 'bulkWrite' ? gate.pass(send) : send())),
  )
  await take(zombie, undefined, 'zombie')
  await land(zombie, 'zombie', put('creds', 'old'), put('pre-key/1', 'old'))
  await gate.reached

  const remover = await opened(collection)
  assert.ok(await remover.remove(scope, guarded('zombie')))
  await take(remover, undefined, 'new')
  await land(remover, 'new', put('creds', 'new'))
  gate.open()
  await zombie.close()
  await remover.close()
  // It is there, and nobody's.
  assert.ok((await recordsIn()).some(([, value]) => value === 'old'))
  for (const store of [remover, zombie, await opened(collection)]) {
    assert.deepEqual(await store.read(scope, ['creds', 'pre-key/1']), ['new', undefined])
    assert.deepEqual((await listed(store)).sort(), ['!fence', 'creds'])
  }
  assert.equal(await zombie.write(scope, [put('creds', 'late')], guarded('zombie')), false)
})

test('what a removal leaves is deleted by whoever opens the collection an hour later, and nothing else', async () => {
  const store = await opened(collection)
  await take(store, undefined, 'a')
  await land(store, 'a', put('creds', 'old'))
  await store.close()
  const { incarnation } = await scopeDocument()
  assert.ok(await store.remove(scope))
  const orphan = { _id: `!${incarnation}!creds`, scope, seq: 1, value: 'late' }
  await Object(collection).insertOne(orphan)
  await take(store, undefined, 'b')
  await land(store, 'b', put('creds', 'new'))
  await store.close()
  await (await opened(collection)).close()
  assert.ok((await recordsIn()).some(([, value]) => value === 'late'))
  const living = (await scopeDocument()).incarnation
  const hoursAgo = new Date(Date.now() - 2 * 3_600_000)
  await collection.updateMany({ at: { $exists: true } }, { $set: { at: hoursAgo } })
  // As if a removal had stopped between its note and its deletion.
  await Object(collection).insertOne({ _id: `!#${living}`, scope, at: hoursAgo })
  await (await opened(collection)).close()
  assert.deepEqual(await recordsIn(), [['creds', 'new']])
  assert.ok(!(await documentsOf(collection)).some(document => Object(document)._id.startsWith('!#')))
})

test('opening waits for no sweep, and each store sweeps some of what thousands of removals have left', async () => {
  const hoursAgo = new Date(Date.now() - 2 * 3_600_000)
  const store = await opened(collection)
  await take(store, undefined, 'a')
  const incarnations = Array.from({ length: 3_000 }, (_, at) => at.toString(16).padStart(24, '0'))
  const left = incarnations.flatMap((incarnation, at) => [
    { _id: `!#${incarnation}`, scope: `s${at}`, at: at < 2_900 ? hoursAgo : new Date() },
    { _id: `!${incarnation}!creds`, scope: `s${at}`, seq: 1, value: 'late' },
  ])
  await Object(collection).insertMany(left)
  const gate = new Gate()
  const finds: number[] = []
  const place = interposed(collection, async (method, send) => {
    if (method === 'deleteMany') return gate.pass(send)
    const answer = await send()
    if (method === 'find') finds.push(Object(answer).length)
    return answer
  })
  const next = await opened(place)
  await gate.reached
  assert.deepEqual(finds, [101, 0])
  assert.deepEqual(await next.read(scope, ['!fence']), ['a'])
  gate.open()
  await next.close()
  const count = async () => [
    await collection.countDocuments({ at: { $exists: true } }),
    await collection.countDocuments({ value: 'late' }),
  ]
  assert.deepEqual(await count(), [2_900, 2_900])
  await Promise.all([opened(collection), opened(collection)].map(async one => (await one).close()))
  for (let at = 0; at < 2; at++) await (await opened(collection)).close()
  assert.ok(Number((await count())[0]) <= 2_600)
  await store.close()
}, 60_000)

describe('what landed a while ago', () => {
  test.each([
    ['by the monotonic clock', { freshMs: -1 }, 0],
    ['by the other clock alone, after the machine slept', {}, 61_000],
  ])(
    '%s is applied only after another look: others may have removed it, and forgotten that',
    async (_, internals, sleptMs) => {
      const { stopped, finds } = await stoppedOwner(internals)
      const owner = await opened(collection)
      await take(owner, 'stopped', 'owner')
      await land(owner, 'owner', put('pre-key/1', undefined))
      await owner.close()
      await land(owner, 'owner', put('pre-key/2', 'newer'))
      await owner.close()
      // Two days later the server forgets what was removed.
      await collection.deleteMany({ gone: { $exists: true } })
      finds.length = 0
      await laterBy(sleptMs, () => stopped.close())
      assert.deepEqual(finds, ['find'])
      assert.deepEqual(await read(owner), ['c', undefined, 'newer'])
      assert.deepEqual(await recordsIn(), [
        ['creds', 'c'],
        ['pre-key/2', 'newer'],
      ])
    },
  )

  test('is not applied where the session is gone', async () => {
    const { stopped } = await stoppedOwner({ freshMs: -1 })
    await collection.deleteOne({ incarnation: { $exists: true } })
    await stopped.close()
    assert.deepEqual(await recordsIn(), [])
  })

  test('is applied where nothing else came, and without another look where it landed just now', async () => {
    for (const freshMs of [-1, 60_000]) {
      const { stopped, finds } = await stoppedOwner({ freshMs })
      finds.length = 0
      await stopped.close()
      assert.deepEqual(finds, freshMs < 0 ? ['find'] : [])
      assert.deepEqual(await recordsIn(), [
        ['creds', 'c'],
        ['pre-key/1', 'one'],
      ])
      await collection.deleteMany({})
    }
  })

  /** An owner that has landed a batch, and could not apply it then. */
  async function stoppedOwner(internals: object): Promise<{ stopped: Store; finds: string[] }> {
    let isCut = true
    const finds: string[] = []
    const interposition: Interposition = (method, send) => {
      if (method === 'find') finds.push(method)
      return method === 'bulkWrite' && isCut ? Promise.reject(new Error('cut off')) : send()
    }
    const stopped = mongoStore(interposed(collection, interposition), internals)
    await stopped.open()
    await take(stopped, undefined, 'stopped')
    await land(stopped, 'stopped', put('creds', 'c'), put('pre-key/1', 'one'))
    await stopped.close()
    isCut = false
    return { stopped, finds }
  }

  async function laterBy(ms: number, work: () => Promise<void>): Promise<void> {
    const now = Date.now
    Date.now = () => now() + ms
    await work().finally(() => {
      Date.now = now
    })
  }
})

test('a record that shows half of the change that is being applied is read and listed as the log has it', async () => {
  const old = await opened(collection)
  await take(old, undefined, 'old')
  await land(old, 'old', put('creds', 'c'), put('pre-key/1', 'one'), put('pre-key/2', 'two'))
  await old.close()
  const owner = await opened(interposed(collection, dropping('bulkWrite')))
  await take(owner, 'old', 'owner')
  await land(owner, 'owner', put('pre-key/1', undefined), put('pre-key/2', 'newer'))
  const [session] = await collection.find({ incarnation: { $exists: true } }).toArray()
  // As the stand-in may show it, which changes a document field by field while it sends it.
  await collection.updateOne({ scope, value: 'one' }, { $unset: { value: '' } })
  await collection.updateOne({ scope, value: 'two' }, { $set: { seq: session?.seq } })
  const onlooker = await opened(collection)
  assert.deepEqual(await read(onlooker), ['c', undefined, 'newer'])
  for (const values of [true, false]) {
    const listed: unknown[] = []
    for await (const page of onlooker.list(scope, { values })) listed.push(...page)
    assert.deepEqual(listed.map(entry => Object(entry).name).sort(), ['!fence', 'creds', 'pre-key/2'])
    if (values) assert.ok(listed.some(entry => Object(entry).value === 'newer'))
  }
})

test('all guards on one record must hold, in any order', async () => {
  const store = await opened(collection)
  await take(store, undefined, 'mine')
  await land(store, 'mine', put('creds', 'c'))
  const [held, failed] = [guarded('mine'), guarded('another')]
  for (const guards of [
    [...failed, ...held],
    [...held, ...failed],
    [{ name: '!fence', value: undefined }, ...held],
  ]) {
    assert.equal(await store.write(scope, [put('creds', 'late')], guards), false)
    assert.equal(await store.write(scope, [put('!fence', 'stolen')], guards), false)
    assert.equal(await store.remove(scope, guards), false)
  }
  assert.deepEqual(await store.read(scope, ['!fence', 'creds']), ['mine', 'c'])
  assert.ok(await store.write(scope, [put('creds', 'd')], [...held, ...held]))
})

test('an apply that fails is done with the next write, and together with it', async () => {
  let broken = true
  const bulks: number[] = []
  const store = await opened(
    interposed(collection, async (method, send) => {
      if (method !== 'bulkWrite') return send()
      bulks.push(1)
      if (broken) throw new Error('cut off')
      return send()
    }),
  )
  await take(store, undefined, 'a')
  await land(store, 'a', put('creds', 'c'))
  await land(store, 'a', put('pre-key/1', 'one'))
  assert.deepEqual(await recordsIn(), [])
  broken = false
  bulks.length = 0
  await land(store, 'a', put('pre-key/2', 'two'))
  await store.close()
  assert.equal((await recordsIn()).length, 3)
  assert.equal(bulks.length, 1)
})

test('a log that can not be applied makes writes wait and fail by name, before the document is too large; then they go on', async () => {
  let isBroken = true
  const store = await opened(
    interposed(collection, async (method, send) => {
      if (method === 'bulkWrite' && isBroken) throw new Error('cut off')
      return send()
    }),
  )
  await take(store, undefined, 'a')
  const value = 'x'.repeat(5 * 1024 * 1024)
  await land(store, 'a', put('creds', value))
  await land(store, 'a', put('pre-key/1', value))
  const refused = await store
    .write(scope, [put('pre-key/2', value)], guarded('a'))
    .catch((error: unknown) => error)
  assert.equal(Object(refused).code, 'WRITE_FAILED')
  assert.equal(store.isPermanent?.(refused), false)
  isBroken = false
  await land(store, 'a', put('pre-key/2', value))
  assert.deepEqual((await store.read(scope, ['pre-key/2']))[0]?.length, value.length)
  await store.close()
}, 30_000)

test('reads beside a process that lands and applies in a loop see whole batches, and never an older one', async () => {
  const writer = await opened(collection)
  const reader = await opened(client.db().collection(collection.collectionName))
  const names = Array.from({ length: 20 }, (_, at) => `pre-key/${at}`)
  await take(writer, undefined, 'a')
  let isOver = false
  const writing = (async () => {
    for (let turn = 1; turn <= 60; turn++) {
      await land(
        writer,
        'a',
        ...names.map(name => put(name, turn % 7 === 0 && name > 'pre-key/5' ? undefined : String(turn))),
      )
    }
    isOver = true
  })()
  let last = 0
  let reads = 0
  while (!isOver) {
    const texts = await reader.read(scope, names)
    const kinds = new Set(texts.filter(text => text !== undefined))
    assert.ok(kinds.size <= 1, `torn: ${[...kinds]}`)
    const turn = Number(texts[0] ?? 0)
    assert.ok(turn >= last)
    assert.equal(
      texts.filter(text => text === undefined).length,
      turn === 0 ? 20 : turn % 7 === 0 ? names.filter(name => name > 'pre-key/5').length : 0,
    )
    last = turn
    reads += 1
  }
  await writing
  assert.ok(reads > 5)
  await writer.close()
}, 60_000)

test('a batch that lands and is applied while a read is under way at the server is seen whole', async () => {
  const writer = await opened(collection)
  await take(writer, undefined, 'a')
  await land(writer, 'a', put('creds', '1'), put('pre-key/1', '1'), put('pre-key/2', '1'))
  await writer.close()
  let turn = 1
  // MongoDB reads document after document, and others write in between; here they do so each of three times.
  const reader = await opened(
    yielding(collection, async () => {
      turn += 1
      if (turn > 3) return
      await land(
        writer,
        'a',
        put('creds', `${turn}`),
        put('pre-key/1', undefined),
        put('pre-key/2', `${turn}`),
      )
      await writer.close()
    }),
  )
  await reader.read(scope, ['creds'])
  turn = 1
  assert.deepEqual(await read(reader), ['3', undefined, '3'])
  assert.equal(turn, 4)
})

/** A real collection, which reads the first document of a find by itself, and the others after `between`. */
function yielding(place: Collection, between: () => Promise<void>): MongoCollection {
  return new Proxy(place, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (name !== 'find') return typeof value === 'function' ? value.bind(target) : value
      return (filter: object, options: object) => ({
        async toArray() {
          const [first] = await target.find(filter, options).toArray()
          await between()
          const [, ...others] = await target.find(filter, options).toArray()
          return first ? [first, ...others] : []
        },
      })
    },
  })
}

/** Commands of that name are lost on their way. */
function dropping(lost: string): Interposition {
  return (method, send) => (method === lost ? Promise.reject(new Error('cut off')) : send())
}

async function opened(place: MongoCollection): Promise<Store> {
  const store = mongoStore(place)
  await store.open()
  return store
}

async function take(store: Store, from: string | undefined, to: string): Promise<void> {
  assert.ok(await store.write(scope, [put('!fence', to)], [{ name: '!fence', value: from }]))
}

async function land(store: Store, token: string, ...changes: Change[]): Promise<void> {
  assert.ok(await store.write(scope, changes, guarded(token)))
}

function read(store: Store): Promise<(string | undefined)[]> {
  return store.read(scope, ['creds', 'pre-key/1', 'pre-key/2'])
}

async function listed(store: Store): Promise<string[]> {
  const names: string[] = []
  for await (const page of store.list(scope)) names.push(...page.map(({ name }) => name))
  return names
}

async function scopeDocument(): Promise<{ log: object[]; incarnation: string }> {
  return Object(await collection.findOne({ scope, incarnation: { $exists: true } }))
}

async function recordsIn(): Promise<(readonly [string, string | undefined])[]> {
  const found = await collection
    .find({ scope, seq: { $exists: true }, incarnation: { $exists: false } }, { sort: { _id: 1 } })
    .toArray()
  return found.map(({ _id, value }) => [String(_id).slice(26), value])
}
