import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'

/** In a cache: the record is known to be absent. The same in every copy of this package. */
export const absent: unique symbol = Symbol.for('baileys-authkit.absent')

/** A record's text, or that there is none. */
export type Cached = string | typeof absent

const prefixLength = 12
const preloadedPart = 0.75

/** What one session, or all sessions of a process together, may keep: what was not asked for longest goes first. */
export class CachePool {
  readonly maxBytes: number
  readonly #entries: LRUCache<string, Cached>
  /** The caches that know their session whole, by their prefixes: for each record that has to go they are told. */
  readonly #whole: Map<string, RecordCache> = new Map()
  /** The prefixes of those whose sessions have ended, and whose entries may still be here. */
  readonly #retired: Set<string> = new Set()

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
    this.#entries = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: (value, key) => entryBytes(key, value),
      dispose: (value, key, reason) => {
        if (reason === 'evict' && value !== absent)
          this.#whole.get(key.slice(0, prefixLength))?.isIncomplete()
      },
    })
  }

  get(key: string): Cached | undefined {
    return this.#entries.get(key)
  }

  /** Whether it was kept: what is larger than the whole pool is not. */
  set(key: string, value: Cached): boolean {
    this.#entries.set(key, value)
    return this.#entries.has(key)
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }

  /**
   * How many bytes may be kept before anybody asks for them: what sessions that go on read and write is to find room
   * as well, and nothing has to go for it that somebody may still ask for.
   */
  room(): number {
    if (this.#retired.size > 0) {
      for (const key of this.#entries.keys())
        if (this.#retired.has(key.slice(0, prefixLength))) this.#entries.delete(key)
      this.#retired.clear()
    }
    return this.maxBytes * preloadedPart - this.#entries.calculatedSize
  }

  /** From now on this cache is told when one of its records has to go. */
  watch(prefix: string, cache: RecordCache): void {
    this.#whole.set(prefix, cache)
  }

  unwatch(prefix: string): void {
    this.#whole.delete(prefix)
  }

  /** What a cache kept is of no use to anybody any more. */
  retire(prefix: string): void {
    this.unwatch(prefix)
    this.#retired.add(prefix)
  }
}

/** A pool of at most `maxBytes`; none for zero. */
export function cachePool(maxBytes: number): CachePool | undefined {
  return maxBytes === 0 ? undefined : new CachePool(maxBytes)
}

/** One session's records in a pool: texts as stored, so that every reader decodes a value of its own. */
export class RecordCache {
  readonly #pool: CachePool | undefined
  readonly #prefix: string
  #isWhole = false

  constructor(pool: CachePool | undefined) {
    this.#pool = pool
    // Not a number: another copy of this package has the same pool.
    this.#prefix = randomBytes((prefixLength * 3) / 4).toString('base64url')
  }

  /** How many bytes it may be filled with before anybody asks for them; 0 where it keeps nothing. */
  get room(): number {
    return this.#pool?.room() ?? 0
  }

  get(name: string): Cached | undefined {
    return this.#pool?.get(this.#prefix + name) ?? (this.#isWhole ? absent : undefined)
  }

  set(name: string, text: string | undefined): void {
    const key = this.#prefix + name
    // Where every record is known, what is not there is absent.
    if (text === undefined && this.#isWhole) this.#pool?.delete(key)
    else if (this.#pool?.set(key, text ?? absent) === false) this.isIncomplete()
  }

  /** Nothing is known of the record any more. */
  drop(name: string): void {
    this.isIncomplete()
    this.#pool?.delete(this.#prefix + name)
  }

  /** Every record that the session has was set: from now on what is not here is known to be absent. */
  isComplete(): void {
    if (!this.#pool) return
    this.#isWhole = true
    this.#pool.watch(this.#prefix, this)
  }

  /** A record may be missing here that the session has. */
  isIncomplete(): void {
    if (!this.#isWhole) return
    this.#isWhole = false
    this.#pool?.unwatch(this.#prefix)
  }

  /** Nobody will ask for anything of it any more. */
  retire(): void {
    this.isIncomplete()
    this.#pool?.retire(this.#prefix)
  }
}

/** What a record takes in a pool: two bytes a character at most, and what an entry costs beside its texts. */
export function recordBytes(name: string, text: string): number {
  return entryBytes(name, text) + 2 * prefixLength
}

function entryBytes(key: string, value: Cached): number {
  return 2 * (key.length + (typeof value === 'string' ? value.length : 0)) + 160
}
