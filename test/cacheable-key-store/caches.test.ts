import assert from 'node:assert/strict'
import { NodeCache } from '@cacheable/node-cache'
import fc from 'fast-check'
import { makeCacheableSignalKeyStore } from '../../src/index.ts'
import { keepingLogger, type SharingKeys, settled, sharingKeys } from './strangers.ts'
import { baileys7Cache, cacheable, same } from './wrappers.ts'

let store: SharingKeys

beforeEach(async () => {
  store = sharingKeys()
  await store.set({ session: { a: { value: 'a' }, b: 'b' } })
})

describe("a cache of the caller's", () => {
  test.each([
    ['that answers at once', mapCache],
    ['that answers later', asyncCache],
    ['that is NodeCache, as Baileys uses it', () => new NodeCache<string>({ stdTTL: 300, useClones: false })],
  ])('%s keeps texts, absence among them', async (_, make) => {
    const cache = make()
    const keys = cacheable(store, cache)
    const expected = { a: { value: 'a' }, none: null }
    for (let time = 0; time < 3; time++) same(await keys.get('session', ['a', 'none']), expected)
    assert.deepEqual(store.gets, [['a', 'none']])
    await keys.set({ session: { a: { value: 'new' }, b: null } })
    await settled()
    const { a, b } = await keys.get('session', ['a', 'b'])
    same([a, b], [{ value: 'new' }, null])
    assert.deepEqual(store.gets, [['a', 'none']])
    await keys.clear()
    same(await keys.get('session', ['a']), { a: null })
    assert.equal(store.gets.length, 2)
  })

  test('gets nothing but texts of ASCII names', async () => {
    const texts = new Map<string, unknown>()
    const cache = mapCache(texts)
    const keys = cacheable(store, cache)
    await keys.get('session', ['a', 'none', '\ud800 \0日'])
    assert.equal(texts.size, 3)
    for (const [key, text] of texts) {
      assert.match(key, /^authkit:[!-~]+$/)
      assert.equal(typeof text, 'string')
    }
  })

  test('may be shared: two stores with one cache see their own records', async () => {
    const other = sharingKeys()
    await other.set({ session: { a: 'of the other' } })
    const cache = mapCache()
    const [left, right] = [cacheable(store, cache), cacheable(other, cache)]
    for (let time = 0; time < 2; time++) {
      same(await left.get('session', ['a']), { a: { value: 'a' } })
      same(await right.get('session', ['a']), { a: 'of the other' })
    }
    assert.deepEqual([store.gets.length, other.gets.length], [1, 1])
  })

  test("that is shared mixes two sessions up under Baileys' cache", async () => {
    const other = sharingKeys()
    await other.set({ session: { a: 'of the other' } })
    const cache = mapCache()
    await baileys7Cache(store, cache).get('session', ['a'])
    same(
      await baileys7Cache(other, cache).get('session', ['a']),
      { a: { value: 'a' } },
      'Baileys has mended it',
    )
  })

  test('that fails costs reads of the store and nothing else, and is told of once', async () => {
    const error = new Error('cache away: key 49170')
    for (const fails of [() => assert.fail(error), () => Promise.reject(error)]) {
      const logger = keepingLogger()
      const cache = { get: fails, set: fails, del: fails, flushAll: fails }
      const keys = makeCacheableSignalKeyStore(store, logger, cache)
      for (let time = 0; time < 3; time++) {
        await keys.set({ 'lid-mapping': { 49170: `${time}` } })
        same(await keys.get('lid-mapping', ['49170']), { 49170: `${time}` })
      }
      await keys.clear()
      await settled()
      const warnings = logger.lines.filter(line => line.level === 'warn')
      const operations = warnings.map(line => JSON.parse(JSON.stringify(line.details)).operation)
      assert.deepEqual(operations.sort(), ['del', 'flushAll', 'get', 'set'])
      assert.ok(!JSON.stringify(warnings).includes('49170'))
    }
  })

  test("that fails fails reads and sets under Baileys' cache", async () => {
    const fails = () => assert.fail('cache away')
    const keys = baileys7Cache(store, { get: fails, set: fails, del: fails, flushAll: fails })
    await assert.rejects(keys.get('session', ['a']), /cache away/)
    await assert.rejects(keys.set({ session: { a: 'new' } }), /cache away/)
    same(store.at('session', 'a'), { value: 'a' })
  })

  test('that fails again after it worked is told of again', async () => {
    const logger = keepingLogger()
    const map = mapCache()
    let away = false
    const set = (key: string, text: string) => (away ? assert.fail('away') : map.set(key, text))
    const keys = makeCacheableSignalKeyStore(store, logger, { ...map, set })
    for (const next of [true, true, false, true]) {
      away = next
      await keys.set({ session: { a: new Uint8Array(1) } })
      await settled()
    }
    assert.equal(logger.lines.filter(line => line.level === 'warn').length, 2)
  })

  test.each([
    [
      'never deletes',
      (texts: Map<string, unknown>) => ({ ...mapCache(texts), del: () => Promise.reject(new Error()) }),
    ],
    [
      'never sets again',
      (texts: Map<string, unknown>) => ({ ...mapCache(texts), set: setOnce(texts), del: () => {} }),
    ],
    [
      'never answers to set and del',
      (texts: Map<string, unknown>) => ({
        ...mapCache(texts),
        set: () => new Promise(() => {}),
        del: () => new Promise(() => {}),
      }),
    ],
  ])('that %s makes no stale value readable', async (_, make) => {
    const keys = cacheable(store, make(new Map()))
    await keys.get('session', ['a'])
    for (const value of ['one', 'two', null, 'three']) {
      await keys.set({ session: { a: value } })
      await settled()
      same(await keys.get('session', ['a']), { a: value })
    }
  })

  test('whose texts are damaged is read past, and mended', async () => {
    const texts = new Map<string, unknown>()
    const keys = cacheable(store, mapCache(texts))
    await keys.get('session', ['a'])
    const [[key, text]] = Array.from(texts) as [[string, string]] // One record was read.
    for (const damaged of [text.slice(0, -1), `${text}}`, '', 'x', 5, null, { value: 'x' }, [text]]) {
      texts.set(key, damaged)
      store.gets.length = 0
      same(await keys.get('session', ['a']), { a: { value: 'a' } })
      assert.equal(store.gets.length, 1)
      same(await keys.get('session', ['a']), { a: { value: 'a' } })
      assert.equal(store.gets.length, 1)
    }
  })

  test('that is empty again is filled again', async () => {
    const texts = new Map<string, unknown>()
    const keys = cacheable(store, mapCache(texts))
    await keys.get('session', ['a'])
    texts.clear()
    same(await keys.get('session', ['a']), { a: { value: 'a' } })
    same(await keys.get('session', ['a']), { a: { value: 'a' } })
    assert.equal(store.gets.length, 2)
  })
})

describe('what is kept', () => {
  const ids = Array.from({ length: 500 }, (_, at) => `${at}`)

  test('keeps to its bytes, of texts that are set and of texts that are read', async () => {
    await store.set({ session: Object.fromEntries(ids.map(id => [id, 'x'.repeat(1000)])) })
    for (const fill of ['set', 'get'] as const) {
      const keys = cacheable(store, { maxBytes: 100_000 })
      for (const id of ids) {
        if (fill === 'set') await keys.set({ session: { [id]: 'x'.repeat(1000) } })
        else await keys.get('session', [id])
      }
      store.gets.length = 0
      for (const id of ids.toReversed()) await keys.get('session', [id])
      // Two bytes a character: 2,2 kB a record.
      const kept = ids.length - store.gets.length
      assert.ok(kept >= 30 && kept <= 46, `${kept} records of 2.2 kB in 100 kB`)
    }
  })

  test('bounds absences too', async () => {
    const keys = cacheable(store, { maxBytes: 100_000 })
    for (let at = 0; at < 5000; at++) await keys.get('lid-mapping', [`absent ${at}`])
    store.gets.length = 0
    for (let at = 4999; at >= 0; at--) await keys.get('lid-mapping', [`absent ${at}`])
    const kept = 5000 - store.gets.length
    assert.ok(kept >= 200 && kept <= 600, `${kept} absences in 100 kB`)
  })

  test("has no bound in Baileys' cache", async () => {
    const keys = baileys7Cache(store)
    for (const id of ids) await keys.set({ session: { [id]: 'x'.repeat(1000) } })
    store.gets.length = 0
    await keys.get('session', ids)
    assert.equal(store.gets.length, 0)
  })

  test('is nothing at 0 bytes, and reads in flight are shared all the same', async () => {
    const keys = cacheable(store, { maxBytes: 0 })
    await keys.set({ session: { a: 'new' } })
    await Promise.all([keys.get('session', ['a']), keys.get('session', ['a'])])
    await keys.get('session', ['a'])
    assert.equal(store.gets.length, 2)
  })

  test('is apart for each call, whatever pool it is in', async () => {
    const other = sharingKeys()
    const [left, right] = [cacheable(store), cacheable(other)]
    await left.get('session', ['a'])
    same(await right.get('session', ['a']), { a: null })
    await right.set({ session: { a: 'right' } })
    same(await left.get('session', ['a']), { a: { value: 'a' } })
  })

  test('a value is the same before and after it is kept, and what the store gets is the same', async () => {
    const values = fc.object({
      withBigInt: false,
      withTypedArray: true,
      withNullPrototype: true,
      maxDepth: 3,
    })
    const property = fc.asyncProperty(values, async value => {
      const own = sharingKeys()
      const keys = cacheable(own)
      await keys.set({ session: { a: value } })
      const kept = await keys.get('session', ['a'])
      same(kept, await cacheable(own).get('session', ['a']))
      same(own.at('session', 'a'), kept.a)
    })
    await fc.assert(property, { numRuns: 300 })
  })
})

describe('arguments', () => {
  test.each([undefined, null, 5, {}, { get: () => ({}) }, { state: { creds: {}, keys: {} } }])(
    'that are no store (%p) are refused',
    wrong => {
      const given: unknown = wrong
      assert.throws(() => makeCacheableSignalKeyStore(given as SharingKeys), {
        // As a caller without types passes it.
        name: 'TypeError',
        message: /takes a store of Signal keys first, with get and set/,
      })
    },
  )

  test.each([5, {}, { warn: () => {} }, () => {}])('that are no logger (%p) are refused', wrong => {
    const given: unknown = wrong
    // As a caller without types passes it.
    assert.throws(() => makeCacheableSignalKeyStore(store, given as Console), {
      name: 'TypeError',
      message: /takes a logger with pino's methods second/,
    })
  })

  test.each([
    5,
    {},
    new Map(),
    [],
    { maxBytes: -1 },
    { maxBytes: Number.NaN },
    { maxBytes: Number.POSITIVE_INFINITY },
    { maxBytes: '1' },
    { maxBytes: 1, max: 1 },
    { get: () => {}, set: () => {}, del: () => {} },
  ])('that are no cache (%p) are refused', wrong => {
    const given: unknown = wrong
    // As a caller without types passes it.
    assert.throws(() => makeCacheableSignalKeyStore(store, undefined, given as { maxBytes: number }), {
      name: 'TypeError',
      message: /takes a cache with get, set, del and flushAll third, or \{ maxBytes \}/,
    })
  })

  test('that are null stand for ones that are left out', async () => {
    const none: unknown = null
    // As a caller without types passes it.
    const keys = makeCacheableSignalKeyStore(store, none as undefined, none as undefined)
    same(await keys.get('session', ['b']), { b: 'b' })
  })
})

function mapCache(texts: Map<string, unknown> = new Map()) {
  return {
    // Baileys' type promises a value of the type that was asked for.
    get: <T>(key: string) => texts.get(key) as T | undefined,
    set: (key: string, text: unknown) => void texts.set(key, text),
    del: (key: string) => void texts.delete(key),
    flushAll: () => texts.clear(),
  }
}

function asyncCache() {
  const cache = mapCache()
  return {
    get: async (key: string) => cache.get(key),
    set: async (key: string, text: string) => cache.set(key, text),
    del: async (key: string) => cache.del(key),
    flushAll: async () => cache.flushAll(),
  }
}

function setOnce(texts: Map<string, unknown>) {
  return (key: string, text: string) => {
    if (!texts.has(key)) texts.set(key, text)
  }
}
