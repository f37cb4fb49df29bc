import * as baileys from '@whiskeysockets/baileys'
import { type AnySignalKeyStore, makeCacheableSignalKeyStore } from '../src/index.ts'
import { oneFolder } from './adapters/files-backend.ts'
import { authStateSuite, type Backend, memoryBackend, type SuiteKeys } from './suite/index.ts'

const memory = memoryBackend()

/** Cases that give the session's own cache another size and count what it reads: a second cache answers before it. */
const aboutTheSessionsCache = [
  'the cache keeps to its bytes: of more records than fit, most are read again',
  'without a cache every read is a round trip, and sees what landed',
]

through('makeCacheableSignalKeyStore without a cache', memory, [], keys =>
  makeCacheableSignalKeyStore(keys, undefined, { maxBytes: 0 }),
)

for (const backend of [memory, oneFolder]) {
  through('makeCacheableSignalKeyStore', backend, aboutTheSessionsCache, keys =>
    makeCacheableSignalKeyStore(keys),
  )
}

through("makeCacheableSignalKeyStore with the caller's cache", memory, aboutTheSessionsCache, keys =>
  makeCacheableSignalKeyStore(keys, undefined, mapCache()),
)

function through(
  name: string,
  backend: Backend,
  leftOut: readonly string[],
  wrap: (keys: AnySignalKeyStore) => AnySignalKeyStore,
): void {
  const cases: string[] = []
  authStateSuite({
    test(full, run) {
      cases.push(full)
      // Thousands of records on a real disk, beside other tests.
      if (!leftOut.some(ending => full.endsWith(ending))) test(full, run, 30_000)
    },
    backend,
    baileys,
    // The suite's types and ids are any, which no declaration of keys knows.
    through: { name, wrap: keys => wrap(keys as AnySignalKeyStore) as SuiteKeys },
  })
  const found = cases.filter(full => leftOut.some(ending => full.endsWith(ending)))
  if (found.length !== leftOut.length) throw new TypeError('A case that is left out is called otherwise now.')
}

function mapCache() {
  const texts = new Map<string, unknown>()
  return {
    get: (key: string) => texts.get(key),
    set: (key: string, text: string) => void texts.set(key, text),
    del: (key: string) => void texts.delete(key),
    flushAll: () => texts.clear(),
  }
}
