import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Change } from '../store.ts'

/** In a cache: the record is known to be absent. The same in every copy of this package. */
export const absent: unique symbol = Symbol.for('baileys-authkit.absent')

/** A record's text, or that there is none. */
export type Cached = string | typeof absent

/** All records of a session that was read whole. */
interface Whole {
  readonly texts: Map<string, string>
  bytes: number
  /** Called when it has to go to make room for others. */
  readonly onEvicted: () => void
}

/** How much of a pool sessions may fill before anybody asks for what they hold. */
const preloadedPart = 0.75

/** What one session, or all sessions of a process together, may keep: what was not asked for longest goes first. */
export class CachePool {
  readonly maxBytes: number
  readonly #entries: LRUCache<string, Cached | Whole>

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
    this.#entries = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: (value, key) => (isWhole(value) ? value.bytes : recordBytes(key, value)),
      dispose: (value, _key, reason) => {
        if (isWhole(value) && reason === 'evict') value.onEvicted()
      },
    })
  }

  /**
   * How many bytes may be kept before anybody asks for them: what sessions that go on read and write is to find room
   * as well.
   */
  get room(): number {
    return this.maxBytes * preloadedPart - this.#entries.calculatedSize
  }

  get(key: string): Cached | Whole | undefined {
    return this.#entries.get(key)
  }

  /** Whether it was kept: what is larger than the whole pool is not. */
  set(key: string, value: Cached | Whole): boolean {
    this.#entries.set(key, value)
    return this.#entries.has(key)
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }
}

/** A pool of at most `maxBytes`; none for zero. */
export function cachePool(maxBytes: number): CachePool | undefined {
  return maxBytes === 0 ? undefined : new CachePool(maxBytes)
}

/**
 * One session's records in a pool: texts as stored, so that every reader decodes a value of its own. While it is whole
 * it knows of every record that is not there, and is one entry of the pool; else each record is one.
 */
export class RecordCache {
  readonly #pool: CachePool | undefined
  readonly #prefix: string
  #whole: Whole | undefined

  constructor(pool: CachePool | undefined) {
    this.#pool = pool
    // Not a number: another copy of this package has the same pool.
    this.#prefix = `${randomBytes(9).toString('base64url')} `
  }

  /** How many bytes it may be filled with before anybody asks for them; 0 where it keeps nothing. */
  get room(): number {
    return this.#pool?.room ?? 0
  }

  get(name: string): Cached | undefined {
    if (this.#whole) {
      // It was asked for: others have to go before it.
      this.#pool?.get(this.#prefix)
      return this.#whole.texts.get(name) ?? absent
    }
    const found = this.#pool?.get(this.#prefix + name)
    return isWhole(found) ? undefined : found
  }

  set(name: string, text: string | undefined): void {
    this.setAll([{ name, value: text }])
  }

  /** The same for several records. */
  setAll(records: readonly Change[]): void {
    const whole = this.#whole
    for (const { name, value } of records) {
      if (whole) change(whole, name, value)
      else this.#pool?.set(this.#prefix + name, value ?? absent)
    }
    if (!whole) return
    // Counted anew, which may be too much for the pool, or for it to be there.
    this.#pool?.delete(this.#prefix)
    if (this.#pool?.set(this.#prefix, whole) !== true) this.#whole = undefined
  }

  /** Nothing is known of the record any more. */
  drop(name: string): void {
    this.#forget()
    this.#pool?.delete(this.#prefix + name)
  }

  /**
   * Keeps all the records that the session has: from now on what is not among them is known to be absent. Takes the map
   * itself, and how many bytes its records count by {@link recordBytes}.
   */
  fill(texts: Map<string, string>, bytes: number): void {
    if (!this.#pool) return
    const onEvicted = () => {
      this.#whole = undefined
    }
    const whole = { texts, bytes: bytes + recordBytes(this.#prefix, ''), onEvicted }
    if (this.#pool.set(this.#prefix, whole)) this.#whole = whole
  }

  /** Nobody will ask for anything of it any more. */
  retire(): void {
    this.#forget()
  }

  #forget(): void {
    if (!this.#whole) return
    this.#whole = undefined
    this.#pool?.delete(this.#prefix)
  }
}

function change(whole: Whole, name: string, text: string | undefined): void {
  const before = whole.texts.get(name)
  if (before !== undefined) whole.bytes -= recordBytes(name, before)
  if (text === undefined) whole.texts.delete(name)
  else {
    whole.texts.set(name, text)
    whole.bytes += recordBytes(name, text)
  }
}

/** Not by `instanceof`: another copy of this package may have put it there. */
function isWhole(value: Cached | Whole | undefined): value is Whole {
  return typeof value === 'object'
}

/** What a record takes in a pool: two bytes a character at most, and what an entry costs beside its texts. */
export function recordBytes(name: string, text: Cached): number {
  return 2 * (name.length + (typeof text === 'string' ? text.length : 0)) + 160
}
