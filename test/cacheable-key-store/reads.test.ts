import assert from 'node:assert/strict'
import { makeCacheableSignalKeyStore } from '../../src/index.ts'
import {
  callAt,
  heldKeys,
  keepingLogger,
  orderOf,
  type StrangersKeys,
  settled,
  sharingKeys,
} from './strangers.ts'
import { baileys6Cache, baileys7Cache, cacheable, same, type WrappedKeys } from './wrappers.ts'

describe('a record', () => {
  test('that a store leaves out comes back as null, and is not asked for again', async () => {
    const store = sharingKeys()
    const keys = cacheable(store)
    for (let time = 0; time < 3; time++) same(await keys.get('session', ['none']), { none: null })
    assert.deepEqual(store.gets, [['none']])
  })

  test.each([null, undefined, false, 0, ''])('that a store gives as %p is absent', async value => {
    const store = sharingKeys()
    const keys = cacheable({ ...store, get: () => ({ a: value }) })
    same(await keys.get('session', ['a']), { a: null })
  })

  test('of any type and id is itself, whatever objects inherit', async () => {
    const store = sharingKeys()
    const keys = cacheable(store)
    const ids = ['__proto__', 'constructor', 'toString', '', 'a.b', 'a', '.', '\0', '\ud800']
    const types = ['session', 'session.a', '__proto__', 'constructor', '', 'no type of Signal']
    for (const type of types) {
      same(await keys.get(type, ids), Object.fromEntries(ids.map(id => [id, null])))
      await keys.set(Object.fromEntries([[type, Object.fromEntries(ids.map(id => [id, { type, id }]))]]))
    }
    const reread = cacheable({ ...store })
    for (const type of types) {
      for (const each of [keys, reread, reread]) {
        same(await each.get(type, ids), Object.fromEntries(ids.map(id => [id, { type, id }])))
      }
    }
  })

  test('is no other one under Baileys, which joins type and id with a dot', async () => {
    const store = sharingKeys()
    await store.set({ 'a.b': { c: 'one' }, a: { 'b.c': 'two' } })
    for (const keys of [baileys7Cache(store), baileys6Cache(store)]) {
      same(await keys.get('a.b', ['c']), { c: 'one' })
      same(await keys.get('a', ['b.c']), { 'b.c': 'one' }, 'Baileys has mended its keys')
    }
    const keys = cacheable(store)
    same(await keys.get('a.b', ['c']), { c: 'one' })
    same(await keys.get('a', ['b.c']), { 'b.c': 'two' })
  })
})

describe('one get', () => {
  test('asks once for all that is neither cached nor in flight, each id once', async () => {
    const store = sharingKeys()
    const held = heldKeys(store)
    await store.set({ session: { a: 'a', b: 'b', c: 'c', d: 'd' } })
    const keys = cacheable(held)
    const first = keys.get('session', ['a'])
    callAt(held).answer()
    await first
    const inFlight = keys.get('session', ['b', 'none'])
    const last = keys.get('session', ['d', 'a', 'b', 'c', 'd', 'c'])
    await settled()
    assert.deepEqual(
      held.calls.map(call => call.ids),
      [
        ['b', 'none'],
        ['d', 'c'],
      ],
    )
    held.letGo()
    same(await inFlight, { b: 'b', none: null })
    same(await last, { a: 'a', b: 'b', c: 'c', d: 'd' })
  })

  test('of no id asks nobody', async () => {
    const store = sharingKeys()
    same(await cacheable(store).get('session', []), {})
    assert.deepEqual(store.gets, [])
  })

  test('reaches the store before the next call of its caller does', async () => {
    const order: string[] = []
    const store: StrangersKeys = {
      get: () => {
        order.push('get')
        return {}
      },
      set: () => {
        order.push('set')
      },
    }
    const keys = cacheable(store)
    const calls = [keys.get('session', ['a']), keys.set({ session: { a: 'new' } })]
    assert.deepEqual(order, ['get', 'set'])
    await Promise.all(calls)
  })
})

describe('gets at once', () => {
  test('of one record share one read, and no object', async () => {
    const store = sharingKeys()
    await store.set({ session: { a: { list: [1] } } })
    const held = heldKeys(store)
    const keys = cacheable(held)
    const gets = Array.from({ length: 20 }, () => keys.get('session', ['a']))
    await settled()
    assert.equal(held.calls.length, 1)
    callAt(held).answer()
    const found = (await Promise.all(gets)).map(each => each.a)
    assert.equal(new Set([...found, store.at('session', 'a')]).size, 21)
    for (const value of found) same(value, { list: [1] })
  })

  test("of one record are two reads under Baileys 6.7's cache", async () => {
    const held = heldKeys(sharingKeys())
    const keys = baileys6Cache(held)
    const gets = [keys.get('session', ['a']), keys.get('session', ['a'])]
    await settled()
    assert.equal(held.calls.length, 2, 'Baileys has mended its cache')
    held.letGo()
    await Promise.all(gets)
  })

  test('that hit do not wait for one that misses, however many they are', async () => {
    const { keys, held } = await sixtyFourCached(cacheable)
    const reads = Object.fromEntries([
      ['miss', keys.get('session', ['slow'])],
      ...Array.from({ length: 64 }, (_, at) => [`hit ${at}`, keys.get('session', [`${at}`])]),
      ['hit again', keys.get('session', ['0', '63'])],
    ])
    const order = orderOf(reads)
    await settled()
    assert.equal(order.length, 65)
    assert.ok(!order.includes('miss'))
    assert.deepEqual(
      held.calls.map(call => call.ids),
      [['slow']],
    )
    held.letGo()
    await Promise.all(Object.values(reads))
    assert.equal(order.at(-1), 'miss')
  })

  test("that hit wait for one that misses under Baileys 7's cache", async () => {
    const { keys, held } = await sixtyFourCached(baileys7Cache)
    const reads = { miss: keys.get('session', ['slow']), hit: keys.get('session', ['0']) }
    const order = orderOf({ ...reads })
    await settled()
    assert.deepEqual(order, [], 'Baileys has mended its cache')
    held.letGo()
    await Promise.all(Object.values(reads))
  })

  test('wait for their own misses only', async () => {
    const held = heldKeys(sharingKeys())
    const keys = cacheable(held)
    const order = orderOf({ slow: keys.get('session', ['slow']), quick: keys.get('session', ['quick']) })
    await settled()
    callAt(held, 1).answer()
    await settled()
    assert.deepEqual(order, ['quick'])
    held.letGo()
  })
})

describe('a read that fails', () => {
  test('rejects with the error of the store, for all who share it, and leaves nothing', async () => {
    const store = sharingKeys()
    await store.set({ session: { a: 'a' } })
    const held = heldKeys(store)
    const keys = cacheable(held)
    const gets = [keys.get('session', ['a']), keys.get('session', ['a'])]
    const error = new Error('no connection')
    callAt(held).fail(error)
    for (const result of await Promise.allSettled(gets)) {
      assert.ok(result.status === 'rejected' && result.reason === error)
    }
    assert.equal(held.calls.length, 0)
    held.letGo()
    same(await keys.get('session', ['a']), { a: 'a' })
  })

  test('for another record does not fail a get that has joined it', async () => {
    const store = sharingKeys()
    await store.set({ session: { whole: 'whole', corrupt: 'corrupt' } })
    const held = heldKeys(store)
    const keys = cacheable(held)
    const both = keys.get('session', ['corrupt', 'whole'])
    const joined = [keys.get('session', ['whole']), keys.get('session', ['whole', 'none'])]
    await settled()
    assert.equal(held.calls.length, 2)
    callAt(held).fail()
    await assert.rejects(both)
    await settled()
    assert.deepEqual(
      held.calls.map(call => call.ids),
      [['none'], ['whole']],
    )
    held.letGo()
    same(await Promise.all(joined), [{ whole: 'whole' }, { whole: 'whole', none: null }])
  })

  test('again, after another get failed for it, rejects', async () => {
    const held = heldKeys(sharingKeys())
    const keys = cacheable(held)
    const results = Promise.allSettled([keys.get('session', ['a', 'b']), keys.get('session', ['b'])])
    callAt(held).fail(new Error('first'))
    await settled()
    callAt(held).fail(new Error('second'))
    const messages = (await results).map(result =>
      result.status === 'rejected' ? result.reason.message : '',
    )
    assert.deepEqual(messages, ['first', 'second'])
    assert.equal(held.calls.length, 0)
  })

  test.each([
    ['throws', () => assert.fail('thrown')],
    ['answers with nothing', () => undefined],
    ['answers with null', () => null],
  ])('because the store %s rejects, and is no absence', async (_, get) => {
    const broken: unknown = { ...sharingKeys(), get }
    const keys = cacheable(broken as StrangersKeys) // As a caller without types passes it.
    await assert.rejects(async () => keys.get('session', ['a']))
    await assert.rejects(async () => keys.get('session', ['a']))
  })
})

describe('what is got', () => {
  test("is the caller's own, and not the object of the store's", async () => {
    const store = sharingKeys()
    await store.set({ session: { a: { bytes: Buffer.from('stored'), list: [1] } } })
    const keys = cacheable(store)
    for (let time = 0; time < 3; time++) {
      const { a } = await keys.get('session', ['a'])
      same(a, { bytes: Buffer.from('stored'), list: [1] })
      assert.ok(isSession(a))
      a.bytes.fill(time)
      a.list.push(time)
    }
    const held = store.at('session', 'a')
    same(held, { bytes: Buffer.from('stored'), list: [1] })
    assert.ok(isSession(held))
    held.list.push(2)
    same(await keys.get('session', ['a']), { a: { bytes: Buffer.from('stored'), list: [1] } })
  })

  test('is handed on where JSON has no text for it, each time from the store', async () => {
    const store = sharingKeys()
    await store.set({ session: { a: 7n } })
    const keys = cacheable(store)
    for (let time = 1; time <= 2; time++) {
      assert.deepEqual(await keys.get('session', ['a']), { a: 7n })
      assert.equal(store.gets.length, time)
    }
    await keys.set({ session: { b: 8n } })
    assert.deepEqual(await keys.get('session', ['b']), { b: 8n })
  })
})

test('reads and changes are logged by number, without an id', async () => {
  const logger = keepingLogger()
  const keys = makeCacheableSignalKeyStore(sharingKeys(), logger)
  await keys.get('session', ['49170', '49171'])
  await keys.get('session', ['49170'])
  await keys.set({ 'lid-mapping': { '49170': '49171' } })
  assert.deepEqual(logger.lines, [
    { level: 'trace', details: { items: 2 }, message: 'loading from store' },
    { level: 'trace', details: { keys: 1 }, message: 'updated cache' },
  ])
})

async function sixtyFourCached(wrap: (store: StrangersKeys) => WrappedKeys) {
  const store = sharingKeys()
  const ids = Array.from({ length: 64 }, (_, at) => `${at}`)
  await store.set({ session: Object.fromEntries(ids.map(id => [id, { id }])) })
  const held = heldKeys(store)
  const keys = wrap(held)
  const filled = keys.get('session', ids)
  await settled()
  callAt(held).answer()
  await filled
  return { keys, held }
}

interface Session {
  readonly bytes: Buffer
  readonly list: unknown[]
}

function isSession(value: unknown): value is Session {
  return typeof value === 'object' && value !== null && 'bytes' in value && 'list' in value
}
