import assert from 'node:assert/strict'
import { memoryStore } from '../../src/entries/memory.ts'
import { preload } from '../../src/session/preload.ts'
import { absent, CachePool, RecordCache, recordBytes } from '../../src/session/record-cache.ts'

const text = 'x'.repeat(500)
const each = recordBytes('session/00', text)
const own = recordBytes('x'.repeat(13), '')

function filled(pool: CachePool, count: number): RecordCache {
  const cache = new RecordCache(pool)
  const name = (at: number) => `session/${String(at).padStart(2, '0')}`
  cache.fill(new Map(Array.from({ length: count }, (_, at) => [name(at), text])), count * each)
  return cache
}

test('what a whole session does not hold is absent, until it had to make room', () => {
  const pool = new CachePool(each * 10)
  const cache = filled(pool, 4)
  assert.equal(cache.get('session/none'), absent)
  assert.equal(cache.get('session/03'), text)
  const other = new RecordCache(pool)
  for (let at = 10; at < 15; at++) other.set(`session/${at}`, text)
  assert.equal(cache.get('session/none'), absent)
  for (let at = 15; at < 17; at++) other.set(`session/${at}`, text)
  assert.equal(cache.get('session/none'), absent, 'others went, since it was asked for')
  for (let at = 17; at < 30; at++) other.set(`session/${at}`, text)
  assert.equal(cache.get('session/none'), undefined)
  assert.equal(cache.get('session/03'), undefined)
  cache.set('session/03', text)
  assert.equal(cache.get('session/03'), text)
})

test('of a whole session what is removed is absent, and when one record is not known, none is', () => {
  const cache = filled(new CachePool(each * 10), 4)
  cache.set('session/00', undefined)
  assert.equal(cache.get('session/00'), absent)
  cache.set('session/new', 'new')
  assert.equal(cache.get('session/new'), 'new')
  cache.drop('session/01')
  for (const name of ['session/01', 'session/02', 'session/none']) assert.equal(cache.get(name), undefined)
})

test('a whole session that grows larger than the pool is whole no longer', () => {
  const cache = filled(new CachePool(each * 10), 4)
  cache.set('session/large', 'x'.repeat(each * 10))
  assert.equal(cache.get('session/large'), undefined)
  assert.equal(cache.get('session/00'), undefined)
  assert.equal(filled(new CachePool(each), 4).get('session/none'), undefined)
})

test('three quarters of a pool may be filled before anybody asks, as sessions have grown, and one that ends leaves its part', () => {
  const pool = new CachePool(each * 100)
  const first = filled(pool, 60)
  const second = new RecordCache(pool)
  assert.equal(second.room, each * 15 - own)
  first.set('session/60', text)
  assert.equal(second.room, each * 14 - own)
  first.set('session/60', undefined)
  assert.equal(second.room, each * 15 - own)
  first.retire()
  assert.equal(second.room, each * 75)
  assert.equal(first.get('session/00'), undefined)
  assert.equal(new RecordCache(undefined).room, 0)
})

test('a record that a list gives twice is counted once, as it came last', async () => {
  const store = memoryStore()
  await store.open()
  const list: typeof store.list = async function* () {
    yield [{ name: 'session/00', value: 'x'.repeat(900) }]
    yield [{ name: 'session/00', value: text }]
  }
  const pool = new CachePool(each * 100)
  const cache = new RecordCache(pool)
  await preload(Object.assign(store, { list }), 'shop', cache, 1_000)
  assert.equal(cache.get('session/00'), text)
  assert.equal(new RecordCache(pool).room, each * 74 - own)
})
