import { randomUUID } from 'node:crypto'
import { absent, type Cached, type CachePool, RecordCache } from '../session/record-cache.ts'
import type { CallersCacheStore } from './cacheable-types.ts'
import type { TextCache } from './text-cache.ts'

type Operation = keyof CallersCacheStore

/** The operations of a caller's cache. */
export const operations: readonly Operation[] = ['get', 'set', 'del', 'flushAll']

/**
 * Keeps texts in a cache of the caller's, which is trusted with nothing: it may be slow, fail, answer out of order, be
 * shared with other sessions, or outlive this process. What may be read from it is decided here: each text begins with
 * a mark that is used once, and only the mark that was given last makes a text of that record valid.
 */
export class CallersCache implements TextCache {
  readonly #cache: CallersCacheStore
  readonly #pool: CachePool | undefined
  readonly #warn: (operation: string, reason: string) => void
  readonly #prefix = `authkit:${randomUUID()}:`
  readonly #failing = new Set<Operation>()
  #marks: RecordCache
  #lastMark = 0

  /** `pool` bounds how many records' marks are remembered. `warn` is told of an operation that begins to fail. */
  constructor(
    cache: CallersCacheStore,
    pool: CachePool | undefined,
    warn: (operation: string, reason: string) => void,
  ) {
    this.#cache = cache
    this.#pool = pool
    this.#warn = warn
    this.#marks = new RecordCache(pool)
  }

  find(names: readonly string[]): Promise<readonly (Cached | undefined)[]> {
    return Promise.all(names.map(name => this.#find(name)))
  }

  keep(name: string, text: Cached): void {
    this.#lastMark += 1
    const mark = `${this.#lastMark} `
    this.#marks.set(name, mark)
    // No JSON text is empty, so that nothing after the mark says that the record is absent.
    const marked = text === absent ? mark : mark + text
    void this.#attempt('set', () => this.#cache.set(this.#prefix + name, marked))
  }

  drop(name: string): void {
    if (this.#marks.get(name) === undefined) return
    this.#marks.drop(name)
    void this.#attempt('del', () => this.#cache.del(this.#prefix + name))
  }

  clear(): void {
    this.#marks = new RecordCache(this.#pool)
    void this.#attempt('flushAll', () => this.#cache.flushAll())
  }

  async #find(name: string): Promise<Cached | undefined> {
    const mark = this.#marks.get(name)
    if (typeof mark !== 'string') return undefined
    const marked = await this.#attempt('get', () => this.#cache.get(this.#prefix + name))
    if (typeof marked !== 'string' || !marked.startsWith(mark)) return undefined
    return marked === mark ? absent : marked.slice(mark.length)
  }

  /** Never rejects: a cache that fails has nothing. */
  async #attempt(operation: Operation, call: () => unknown): Promise<unknown> {
    try {
      const answer = await call()
      this.#failing.delete(operation)
      return answer
    } catch (error) {
      if (this.#failing.has(operation)) return undefined
      this.#failing.add(operation)
      // Its name and not its message: a client's error may tell the key and the text that it was sent.
      this.#warn(operation, error instanceof Error ? error.name : typeof error)
      return undefined
    }
  }
}
