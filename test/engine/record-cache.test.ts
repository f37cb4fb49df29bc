import assert from 'node:assert/strict'
import { absent, CachePool, RecordCache, recordBytes } from '../../src/session/record-cache.ts'

const text = 'x'.repeat(500)
const each = recordBytes('session/00', text)

function filled(pool: CachePool, count: number): RecordCache {
  const cache = new RecordCache(pool)
  for (let at = 0; at < count; at++) cache.set(`session/${String(at).padStart(2, '0')}`, text)
  cache.isComplete()
  return cache
}

test('what a complete cache does not hold is absent, until one of its own records had to go', () => {
  const pool = new CachePool(each * 10)
  const cache = filled(pool, 4)
  assert.equal(cache.get('session/none'), absent)
  const other = new RecordCache(pool)
  for (let at = 10; at < 16; at++) other.set(`session/${at}`, text)
  assert.equal(cache.get('session/none'), absent)
  other.set('session/16', text)
  assert.equal(cache.get('session/none'), undefined)
  assert.equal(cache.get('session/00'), undefined)
  assert.equal(cache.get('session/03'), text)
})

test('of a complete cache what is removed is absent, and what is dropped is not known', () => {
  const cache = filled(new CachePool(each * 10), 4)
  cache.set('session/00', undefined)
  assert.equal(cache.get('session/00'), absent)
  cache.drop('session/01')
  assert.equal(cache.get('session/01'), undefined)
  assert.equal(cache.get('session/none'), undefined)
})

test('a complete cache that a record does not fit into is complete no longer', () => {
  const cache = filled(new CachePool(each * 10), 4)
  cache.set('session/large', 'x'.repeat(each * 10))
  assert.equal(cache.get('session/large'), undefined)
})

test('an absence that had to go is known again, and costs a complete cache nothing', () => {
  const pool = new CachePool(each * 10)
  const cache = new RecordCache(pool)
  cache.set('session/none', undefined)
  const records = filled(pool, 9)
  for (let at = 0; at < 100; at++) records.set(`session/none-${at}`, undefined)
  assert.equal(records.get('session/none'), absent)
  assert.equal(records.get('session/00'), text)
})

test('three quarters of a pool may be filled before anybody asks, and a session that ended leaves its part to the next', () => {
  const pool = new CachePool(each * 100)
  const first = filled(pool, 60)
  const second = new RecordCache(pool)
  assert.equal(second.room, each * 15)
  first.retire()
  assert.equal(second.room, each * 75)
  assert.equal(first.get('session/00'), undefined)
})
