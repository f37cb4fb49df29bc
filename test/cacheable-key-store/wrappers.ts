import assert from 'node:assert/strict'
import * as baileys7 from '@whiskeysockets/baileys'
import * as baileys6 from 'baileys-6'
import { type AnySignalKeyStore, makeCacheableSignalKeyStore } from '../../src/index.ts'
import { differenceOf } from '../suite/same.ts'
import type { Data, StrangersKeys } from './strangers.ts'

/** What all three wrappers make of a store. */
export interface WrappedKeys {
  get(type: string, ids: string[]): Promise<{ [id: string]: unknown }>
  set(data: Data): Promise<void>
  clear(): Promise<void>
}

type Cache = Parameters<typeof makeCacheableSignalKeyStore>[2]

/** A store of strangers through our cache. */
export function cacheable(store: StrangersKeys, cache?: Cache): WrappedKeys {
  const keys: AnySignalKeyStore = makeCacheableSignalKeyStore(store, undefined, cache)
  // Types and ids of these tests are any, which no declaration of keys knows.
  return keys as WrappedKeys
}

/** A store of strangers through the cache of Baileys 7. */
export function baileys7Cache(store: StrangersKeys, cache?: baileys7.CacheStore): WrappedKeys {
  // As above, both ways.
  const keys = baileys7.makeCacheableSignalKeyStore(store as baileys7.SignalKeyStore, undefined, cache)
  return keys as WrappedKeys
}

/** A store of strangers through the cache of Baileys 6.7. */
export function baileys6Cache(store: StrangersKeys): WrappedKeys {
  // As above.
  return baileys6.makeCacheableSignalKeyStore(store as baileys6.SignalKeyStore) as WrappedKeys
}

/** Asserts deep equality of what BufferJSON can carry. */
export function same(actual: unknown, expected: unknown, message: string = 'the answer'): void {
  const difference = differenceOf(actual, expected, '')
  if (difference !== undefined) assert.fail(`${message}${difference}`)
}
