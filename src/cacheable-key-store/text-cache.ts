import { type Cached, type CachePool, RecordCache } from '../session/record-cache.ts'

/** Where the texts of records are kept, by record name. Whatever it has lost is read from the store again. */
export interface TextCache {
  /** What is kept under each name, `undefined` for nothing. Answers at once where it can. */
  find(names: readonly string[]): readonly (Cached | undefined)[] | Promise<readonly (Cached | undefined)[]>
  keep(name: string, text: Cached): void
  /** What was kept under the name is never found again. */
  drop(name: string): void
  /** Nothing that was kept is ever found again. */
  clear(): void
}

/** Keeps texts in this process, as many as the pool takes. */
export class ProcessCache implements TextCache {
  readonly #pool: CachePool | undefined
  #records: RecordCache

  constructor(pool: CachePool | undefined) {
    this.#pool = pool
    this.#records = new RecordCache(pool)
  }

  find(names: readonly string[]): readonly (Cached | undefined)[] {
    return names.map(name => this.#records.get(name))
  }

  keep(name: string, text: Cached): void {
    this.#records.set(name, typeof text === 'string' ? text : undefined)
  }

  drop(name: string): void {
    this.#records.drop(name)
  }

  clear(): void {
    // What the old one kept ages out of the pool.
    this.#records = new RecordCache(this.#pool)
  }
}
