import type { AuthKeyStore } from './auth-types.ts'
import type {
  AnySignalKeyStore,
  CacheableOptions,
  CacheableSignalKeyStore,
  CacheLogger,
  CallersCacheStore,
} from './cacheable-key-store/cacheable-types.ts'
import { CachedKeys, type KeyTrace } from './cacheable-key-store/cached-keys.ts'
import { CallersCache, operations } from './cacheable-key-store/callers-cache.ts'
import { ProcessCache, type TextCache } from './cacheable-key-store/text-cache.ts'
import { cachePool } from './session/record-cache.ts'
import { sharedPool } from './session/registry.ts'

export type {
  AnySignalKeyStore,
  CacheableOptions,
  CacheableSignalKeyStore,
  CacheLogger,
  CallersCacheStore,
} from './cacheable-key-store/cacheable-types.ts'

/**
 * A store of Signal keys read through a cache that is never ahead of the store nor behind it: what `set` changes is
 * cached when the store has taken it, and what was read before a change is not cached after it. Absence is remembered
 * too, a record is never read twice at once, and a hit waits for nothing, whatever else is being read.
 *
 * Takes the place of Baileys' function of that name, for stores that read slowly. A session of this package has the
 * same cache inside, so it gains nothing from a second one. As with Baileys' own, every change of the records has to
 * go through what is returned here: nothing that another process writes is noticed.
 *
 * Values are kept as the texts that `BufferJSON` makes of them, and each `get` decodes its own. By default they go into
 * the pool of 64 MiB that all sessions of the process share; `{ maxBytes }` sets a bound of its own. A cache of the
 * caller's (Baileys' `CacheStore`, NodeCache) gets texts under keys of this call's own: it may be slow or fail, and
 * may be shared, but what it holds is of no use to the next process.
 *
 * @throws TypeError for wrong arguments
 *
 * @example
 * const keys = makeCacheableSignalKeyStore(state.keys, logger)
 * const sock = makeWASocket({ auth: { creds: state.creds, keys } })
 */
export function makeCacheableSignalKeyStore(
  store: AuthKeyStore,
  logger?: CacheLogger,
  cache?: CallersCacheStore | CacheableOptions,
): AuthKeyStore
export function makeCacheableSignalKeyStore(
  store: AnySignalKeyStore,
  logger?: CacheLogger,
  cache?: CallersCacheStore | CacheableOptions,
): CacheableSignalKeyStore
export function makeCacheableSignalKeyStore(
  store: AnySignalKeyStore,
  logger?: CacheLogger,
  cache?: CallersCacheStore | CacheableOptions,
): CacheableSignalKeyStore {
  if (!hasMethods(store, ['get', 'set'])) {
    throw new TypeError(
      'makeCacheableSignalKeyStore takes a store of Signal keys first, with get and set: state.keys, not state.',
    )
  }
  // Some callers have null where they have no logger, and Baileys' own function takes that.
  const log = logger ?? undefined
  if (log !== undefined && !hasMethods(log, ['trace', 'warn'])) {
    throw new TypeError(
      "makeCacheableSignalKeyStore takes a logger with pino's methods second, or undefined.",
    )
  }
  const trace: KeyTrace = (count, message) => log?.trace(count, message)
  const keys = new CachedKeys(store, textCacheOf(cache ?? undefined, log), trace)
  const cacheable = {
    get: (type: string, ids: string[]) => keys.get(type, ids),
    set: (data: Parameters<AnySignalKeyStore['set']>[0]) => keys.set(data),
    clear: () => keys.clear(),
    ...(typeof store.list === 'function' ? { list: (type: string) => store.list?.(type) } : {}),
    ...(typeof store.listIds === 'function' ? { listIds: (type: string) => store.listIds?.(type) } : {}),
  }
  // A type's values are of the type that Baileys gives them, as long as only its own code sets them.
  return cacheable as CacheableSignalKeyStore
}

function textCacheOf(
  cache: CallersCacheStore | CacheableOptions | undefined,
  logger: CacheLogger | undefined,
): TextCache {
  if (cache === undefined) return new ProcessCache(sharedPool())
  if (isCallersCache(cache)) {
    return new CallersCache(cache, sharedPool(), (operation, reason) =>
      logger?.warn(
        { operation, reason },
        'a cache of Signal keys fails; what it should have is read from the store',
      ),
    )
  }
  const { maxBytes, ...more }: Partial<CacheableOptions> = Object(cache)
  const isBound = typeof maxBytes === 'number' && maxBytes >= 0 && maxBytes <= Number.MAX_SAFE_INTEGER
  if (!isBound || Object.keys(more).length > 0) {
    throw new TypeError(
      'makeCacheableSignalKeyStore takes a cache with get, set, del and flushAll third, or { maxBytes }: a number from 0.',
    )
  }
  return new ProcessCache(cachePool(maxBytes))
}

function isCallersCache(cache: object): cache is CallersCacheStore {
  return hasMethods(cache, operations)
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  return names.every(name => typeof Object(value)[name] === 'function')
}
