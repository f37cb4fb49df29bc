import { randomUUID } from 'node:crypto'
import { LRUCache } from 'lru-cache'

/** In a cache: the record is known to be absent. The same in every copy of this package. */
export const absent: unique symbol = Symbol.for('baileys-authkit.absent')

/** A record's text, or that there is none. */
export type Cached = string | typeof absent

/** What one session, or all sessions of a process together, may keep. */
export type CachePool = LRUCache<string, Cached>

/** A pool of at most `maxBytes`; none for zero. */
export function cachePool(maxBytes: number): CachePool | undefined {
  if (maxBytes === 0) return undefined
  return new LRUCache({ maxSize: maxBytes, sizeCalculation: (value, key) => entryBytes(key, value) })
}

/** One session's records in a pool: texts as stored, so that every reader decodes a value of its own. */
export class RecordCache {
  readonly #pool: CachePool | undefined
  readonly #prefix: string

  constructor(pool: CachePool | undefined) {
    this.#pool = pool
    // Not a number: another copy of this package has the same pool.
    this.#prefix = `${randomUUID()} `
  }

  get(name: string): Cached | undefined {
    return this.#pool?.get(this.#prefix + name)
  }

  set(name: string, text: string | undefined): void {
    this.#pool?.set(this.#prefix + name, text ?? absent)
  }

  drop(name: string): void {
    this.#pool?.delete(this.#prefix + name)
  }
}

/** Two bytes a character is the most that the engine needs; the rest is what an entry costs beside its texts. */
function entryBytes(key: string, value: Cached): number {
  return 2 * (key.length + (typeof value === 'string' ? value.length : 0)) + 160
}
