import type { SignalDataSet, SignalDataTypeMap, SignalKeyStore } from '../auth-types.ts'

type Awaitable<T> = T | Promise<T>

/** Any store of Signal keys: Baileys 6.7's and 7's, this package's, anyone's; its methods may answer at once. */
export interface AnySignalKeyStore {
  get(type: string, ids: string[]): Awaitable<{ [id: string]: unknown }>
  set(data: { [type: string]: { [id: string]: unknown } | undefined }): unknown
  clear?(): unknown
  list?(type: string): AsyncIterable<readonly [id: string, value: unknown]>
  listIds?(type: string): AsyncIterable<string>
}

/** What `makeCacheableSignalKeyStore` makes of any store; it has `list` and `listIds` where the store has them. */
export interface CacheableSignalKeyStore extends SignalKeyStore {
  /**
   * Reads records, each made anew for this call. Every id asked for is in the answer; that of an absent record holds
   * `null`, which the type leaves out as Baileys' does. Rejects with what the store rejected with.
   */
  get<T extends keyof SignalDataTypeMap>(
    type: T,
    ids: string[],
  ): Promise<{ [id: string]: SignalDataTypeMap[T] }>
  /** Resolves when the store has taken the changes. Values are taken as they are at the call; falsy ones remove. */
  set(data: SignalDataSet): Promise<void>
  /** Clears the store if it can be cleared, and forgets everything. */
  clear(): Promise<void>
}

/**
 * A cache of the caller's own: Baileys' `CacheStore`, which NodeCache is. Its methods may answer at once or with a
 * promise; `get` with the text that was set under the key, or with anything else where it has none.
 */
export interface CallersCacheStore {
  get(key: string): unknown
  set(key: string, text: string): unknown
  del(key: string): unknown
  flushAll(): unknown
}

/** How much is kept. */
export interface CacheableOptions {
  /** Bytes of all texts and names: two a character, and 160 a record. Nothing is kept at 0. */
  readonly maxBytes: number
}

/** What is logged to: counts, never an id. Baileys' own logger and pino's are such. */
export interface CacheLogger {
  trace(details: unknown, message?: string): void
  warn(details: unknown, message?: string): void
}
