import assert from 'node:assert/strict'
import { makeCacheableSignalKeyStore, memoryStore, useAuthState } from '../../src/index.ts'
import {
  callAt,
  heldKeys,
  orderOf,
  type SharingKeys,
  type StrangersKeys,
  settled,
  sharingKeys,
} from './strangers.ts'
import { baileys6Cache, baileys7Cache, cacheable, same, type WrappedKeys } from './wrappers.ts'

let store: SharingKeys

beforeEach(async () => {
  store = sharingKeys()
  await store.set({ session: { a: 'old', b: 'b' } })
  store.sets.length = 0
})

describe('a set', () => {
  test('is cached when the store has taken it, and costs no read afterwards', async () => {
    const keys = cacheable(store)
    await keys.set({ session: { a: 'new', gone: null }, 'pre-key': { 1: 'one' } })
    same(await keys.get('session', ['a', 'gone']), { a: 'new', gone: null })
    same(await keys.get('pre-key', ['1']), { 1: 'one' })
    assert.deepEqual(store.gets, [])
  })

  test.each([null, undefined, false, 0, ''])('to %p is a removal, for the store too', async value => {
    const keys = cacheable(store)
    await keys.set({ session: { a: value } })
    same(store.sets, [{ session: { a: null } }])
    same(await keys.get('session', ['a']), { a: null })
  })

  test('of nothing, and of a type without values, reaches the store as it is', async () => {
    const keys = cacheable(store)
    await keys.set({})
    await keys.set({ session: undefined, 'pre-key': {} })
    same(store.sets, [{}, { 'pre-key': {} }])
  })

  test('that fails leaves the cache as if it had never been', async () => {
    const held = heldKeys(store)
    const keys = cacheable(held)
    for (const lands of [false, true]) {
      const set = keys.set({ session: { a: 'new' } })
      if (lands) callAt(held).perform()
      callAt(held).fail()
      await assert.rejects(set, /connection lost/)
      const get = keys.get('session', ['a', 'b'])
      await settled()
      callAt(held).answer()
      same(await get, { a: lands ? 'new' : 'old', b: 'b' })
    }
  })

  test('whose store throws at once rejects, and leaves nothing', async () => {
    const refusing = { ...store, set: () => assert.fail('refused') }
    const keys = cacheable(refusing)
    await keys.get('session', ['a'])
    await assert.rejects(keys.set({ session: { a: 'new' } }), /refused/)
    same(await keys.get('session', ['a']), { a: 'old' })
    assert.equal(store.gets.length, 2)
  })

  test('that is slow holds up no read of another record', async () => {
    const held = heldKeys(store)
    const keys = cacheable(held)
    const filled = keys.get('session', ['b'])
    callAt(held).answer()
    await filled
    const order = orderOf({ set: keys.set({ session: { a: 'new' } }), hit: keys.get('session', ['b']) })
    await settled()
    assert.deepEqual(order, ['hit'])
    held.letGo()
  })

  test('takes values as they are at the call, and gives the store copies of its own', async () => {
    const late: StrangersKeys = {
      ...store,
      async set(data) {
        await settled()
        store.set(data)
      },
    }
    const value = { bytes: Buffer.from('at the call'), list: [1] }
    const data = { session: { a: value } }
    const keys = cacheable(late)
    const set = keys.set(data)
    value.bytes.fill(0)
    value.list.push(2)
    Object.assign(data.session, { more: 'more' })
    await set
    value.list.push(3)
    const expected = { bytes: Buffer.from('at the call'), list: [1] }
    same(store.sets, [{ session: { a: expected } }])
    same(await keys.get('session', ['a', 'more']), { a: expected, more: null })
    const kept = store.at('session', 'a')
    assert.ok(typeof kept === 'object' && kept !== null)
    Object.assign(kept, { list: 'changed by the store' })
    same(await keys.get('session', ['a']), { a: expected })
  })

  test("of a value that changes afterwards is the later one under Baileys' caches", async () => {
    for (const wrap of [baileys6Cache, baileys7Cache]) {
      const value = { list: [1] }
      const keys = wrap(store)
      await keys.set({ session: { a: value } })
      value.list.push(2)
      same(store.at('session', 'a'), { list: [1, 2] }, 'Baileys has mended its cache: the store')
    }
  })
})

describe('a read that began before a set', () => {
  test('is not kept when it arrives after it, and not joined once the set has begun', async () => {
    const held = heldKeys(store)
    const keys = cacheable(held)
    const early = keys.get('session', ['a', 'b'])
    callAt(held).perform()
    const set = keys.set({ session: { a: 'new' } })
    const during = keys.get('session', ['a'])
    await settled()
    assert.deepEqual(
      held.calls.map(call => call.ids),
      [['a', 'b'], [], ['a']],
    )
    callAt(held, 1).answer()
    await set
    callAt(held, 1).answer()
    callAt(held, 0).answer()
    same(await early, { a: 'old', b: 'b' })
    same(await during, { a: 'new' })
    same(await keys.get('session', ['a', 'b']), { a: 'new', b: 'b' })
    assert.equal(held.calls.length, 0)
  })

  test("is kept over the set by Baileys 6.7's cache", async () => {
    assert.equal(await afterAnEarlyRead(baileys6Cache), 'old', 'Baileys has mended its cache')
    assert.equal(await afterAnEarlyRead(cacheable), 'new')
  })

  async function afterAnEarlyRead(wrap: (keys: StrangersKeys) => WrappedKeys): Promise<unknown> {
    const held = heldKeys(store)
    const keys = wrap(held)
    const early = keys.get('session', ['a'])
    await settled()
    callAt(held).perform()
    const set = keys.set({ session: { a: 'new' } })
    await settled()
    callAt(held, 1).answer()
    await set
    callAt(held, 0).answer()
    await early
    held.letGo()
    return (await keys.get('session', ['a'])).a
  }
})

describe('a record whose set is in flight', () => {
  test('is asked of the store by each get, and what that says is not kept', async () => {
    const held = heldKeys(store)
    const keys = cacheable(held)
    const set = keys.set({ session: { a: 'new' } })
    const [before, after] = [keys.get('session', ['a']), keys.get('session', ['a'])]
    await settled()
    callAt(held, 1).answer()
    callAt(held, 0).perform()
    callAt(held, 1).answer()
    same([await before, await after], [{ a: 'old' }, { a: 'new' }])
    callAt(held, 0).fail()
    await assert.rejects(set)
    const last = keys.get('session', ['a'])
    await settled()
    assert.equal(held.calls.length, 1, 'what was read during a set was kept')
    held.letGo()
    same(await last, { a: 'new' })
  })
})

describe('sets of one record at once', () => {
  test('that the store lands in the other order leave it to the store', async () => {
    same(await afterReversedSets(cacheable), { a: 'first' })
  })

  test("that the store lands in the other order leave the later one in Baileys 6.7's cache", async () => {
    same(await afterReversedSets(baileys6Cache), { a: 'second' }, 'Baileys has mended its cache: the answer')
  })

  test('leave it to the store also when one of them fails, and are cached when there is one again', async () => {
    const held = heldKeys(store)
    const keys = cacheable(held)
    const sets = Promise.allSettled([
      keys.set({ session: { a: 'first' } }),
      keys.set({ session: { a: 'second' } }),
      keys.set({ session: { a: 'third' } }),
    ])
    callAt(held, 1).answer()
    callAt(held, 1).fail()
    await settled()
    callAt(held, 0).answer()
    await sets
    held.letGo()
    same(await keys.get('session', ['a']), { a: 'first' })
    assert.equal(store.gets.length, 1)
    await keys.set({ session: { a: 'fourth' } })
    same(await keys.get('session', ['a']), { a: 'fourth' })
    assert.equal(store.gets.length, 1)
  })

  async function afterReversedSets(wrap: (keys: StrangersKeys) => WrappedKeys) {
    const held = heldKeys(store)
    const keys = wrap(held)
    const sets = [keys.set({ session: { a: 'first' } }), keys.set({ session: { a: 'second' } })]
    await settled()
    callAt(held, 1).answer()
    callAt(held, 0).answer()
    await Promise.all(sets)
    held.letGo()
    return keys.get('session', ['a'])
  }
})

describe('clear', () => {
  test('clears the store and forgets everything', async () => {
    const keys = cacheable(store)
    await keys.get('session', ['a'])
    await keys.clear()
    same(await keys.get('session', ['a']), { a: null })
    assert.equal(store.gets.length, 2)
  })

  test('forgets everything also where the store has no clear', async () => {
    const { clear: _, ...rest } = store
    const keys = cacheable(rest)
    await keys.get('session', ['a'])
    await keys.clear()
    same(await keys.get('session', ['a']), { a: 'old' })
    assert.equal(store.gets.length, 2)
  })

  test('forgets reads in flight, and sets', async () => {
    const held = heldKeys(store)
    const keys = cacheable(held)
    const read = keys.get('session', ['a'])
    const set = keys.set({ session: { b: 'new' } })
    callAt(held, 0).perform()
    callAt(held, 1).perform()
    const cleared = keys.clear()
    const [during, setDuring] = [keys.get('session', ['c']), keys.set({ session: { d: 'd' } })]
    await settled()
    callAt(held, 4).perform()
    callAt(held, 2).answer()
    await cleared
    held.letGo()
    same(await read, { a: 'old' })
    same(await during, { c: null })
    await Promise.all([set, setDuring])
    store.gets.length = 0
    same(await keys.get('session', ['a', 'b', 'c', 'd']), { a: null, b: null, c: null, d: null })
    assert.deepEqual(store.gets, [['a', 'b', 'c', 'd']])
  })

  test("leaves what a read in flight brings in Baileys 7's cache", async () => {
    for (const [wrap, left] of [
      [baileys7Cache, 'old'],
      [cacheable, null],
    ] as const) {
      await store.set({ session: { a: 'old' } })
      const held = heldKeys(store)
      const keys = wrap(held)
      const read = keys.get('session', ['a'])
      await settled()
      callAt(held).perform()
      const cleared = keys.clear()
      await settled()
      callAt(held, 1).answer()
      callAt(held, 0).answer()
      await Promise.all([cleared, read])
      held.letGo()
      same(await keys.get('session', ['a']), { a: left })
    }
  })

  test('that fails rejects, and has forgotten everything', async () => {
    const held = heldKeys(store)
    const keys = cacheable(held)
    const read = keys.get('session', ['a'])
    callAt(held).answer()
    await read
    const cleared = keys.clear()
    callAt(held).fail()
    await assert.rejects(cleared, /connection lost/)
    held.letGo()
    await keys.get('session', ['a'])
    assert.equal(store.gets.length, 2)
  })
})

describe('list and listIds', () => {
  test('are there where the store has them, and are its own', async () => {
    const auth = await useAuthState(memoryStore(), { session: 'lists', logger: false })
    const keys = makeCacheableSignalKeyStore(auth.state.keys)
    await keys.set({ 'device-list': { 1: ['0'], 2: ['0', '1'] } })
    const found: unknown[] = []
    for await (const entry of keys.list('device-list')) found.push(entry)
    for await (const id of keys.listIds('device-list')) found.push(id)
    same(found, [['1', ['0']], ['2', ['0', '1']], '1', '2'])
    await auth.close()
  })

  test('are not there where the store has none', () => {
    const keys = makeCacheableSignalKeyStore(store)
    assert.deepEqual(Object.keys(keys).sort(), ['clear', 'get', 'set'])
  })
})

test('methods of a store that is an instance keep their this', async () => {
  class Stranger {
    readonly #held = new Map<string, unknown>([['a', 'held']])
    get(_type: string, ids: string[]) {
      return Object.fromEntries(ids.map(id => [id, this.#held.get(id)]))
    }
    set(data: Parameters<StrangersKeys['set']>[0]) {
      for (const [id, value] of Object.entries(data.session ?? {})) this.#held.set(id, value)
    }
    clear() {
      this.#held.clear()
    }
  }
  const keys = cacheable(new Stranger())
  same(await keys.get('session', ['a']), { a: 'held' })
  await keys.set({ session: { b: 'set' } })
  await keys.clear()
  same(await keys.get('session', ['a', 'b']), { a: null, b: null })
})
