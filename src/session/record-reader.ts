import type { RecordCache } from './record-cache.ts'
import { absent } from './record-cache.ts'

interface Waiting {
  readonly name: string
  readonly resolve: (text: string | undefined) => void
  readonly reject: (error: unknown) => void
}

/** What a reader reads through: at most `limit` names at once. */
export interface RecordSource {
  readonly limit: number
  read(names: readonly string[]): Promise<(string | undefined)[]>
}

/**
 * Reads records through a cache: every read of a tick goes in one call, and a record is never asked for twice at
 * once. What it reads enters the cache only if the record was not {@link RecordReader.forget forgotten} meanwhile.
 */
export class RecordReader {
  readonly #source: RecordSource
  readonly #cache: RecordCache
  readonly #inFlight = new Map<string, Promise<string | undefined>>()
  #waiting: Waiting[] = []

  constructor(source: RecordSource, cache: RecordCache) {
    this.#source = source
    this.#cache = cache
  }

  /** The record's text, `undefined` where it is absent. A cached one costs no turn of the event loop. */
  get(name: string): Promise<string | undefined> | string | undefined {
    const cached = this.#cache.get(name)
    if (cached !== undefined) return cached === absent ? undefined : cached
    const known = this.#inFlight.get(name)
    if (known) return known
    const asked = new Promise<string | undefined>((resolve, reject) => {
      // A tick that begins inside a promise's job runs when all such jobs are done: whatever they ask for joins.
      if (this.#waiting.length === 0) process.nextTick(() => this.#send())
      this.#waiting.push({ name, resolve, reject })
    })
    this.#inFlight.set(name, asked)
    return asked
  }

  /** A change of the record has begun: later reads must not join one that began before it. */
  forget(name: string): void {
    this.#inFlight.delete(name)
  }

  #send(): void {
    const waiting = this.#waiting
    this.#waiting = []
    const size = Math.max(1, this.#source.limit)
    for (let from = 0; from < waiting.length; from += size)
      void this.#sendPart(waiting.slice(from, from + size))
  }

  async #sendPart(part: readonly Waiting[]): Promise<void> {
    const asked = part.map(({ name }) => this.#inFlight.get(name))
    const finish = (use: (waiting: Waiting, index: number, isCurrent: boolean) => void) => {
      for (const [index, waiting] of part.entries()) {
        const isCurrent = asked[index] !== undefined && this.#inFlight.get(waiting.name) === asked[index]
        if (isCurrent) this.#inFlight.delete(waiting.name)
        use(waiting, index, isCurrent)
      }
    }
    try {
      const texts = await this.#source.read(part.map(({ name }) => name))
      finish(({ name, resolve }, index, isCurrent) => {
        if (isCurrent) this.#cache.set(name, texts[index])
        resolve(texts[index])
      })
    } catch (error) {
      finish(({ reject }) => reject(error))
    }
  }
}
