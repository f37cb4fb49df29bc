import { isAuthStateError } from '../errors.ts'
import type { RecordCache } from './record-cache.ts'
import { absent } from './record-cache.ts'

interface Waiting {
  readonly name: string
  readonly asked: Promise<string | undefined>
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
 * A record that can't be read fails those who asked for it, and nobody else.
 */
export class RecordReader {
  readonly #source: RecordSource
  readonly #cache: RecordCache
  readonly #inFlight = new Map<string, Waiting>()
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
    if (known) return known.asked
    const waiting = waitingFor(name)
    // A tick that begins inside a promise's job runs when all such jobs are done: whatever they ask for joins.
    if (this.#waiting.length === 0) process.nextTick(() => this.#send())
    this.#waiting.push(waiting)
    this.#inFlight.set(name, waiting)
    return waiting.asked
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
    try {
      const texts = await this.#source.read(part.map(({ name }) => name))
      for (const [index, waiting] of part.entries()) {
        if (this.#finish(waiting)) this.#cache.set(waiting.name, texts[index])
        waiting.resolve(texts[index])
      }
    } catch (error) {
      if (part.length > 1 && isAboutOneRecord(error)) {
        // In halves: one bad record among a thousand costs twenty reads more, not a thousand.
        const half = Math.ceil(part.length / 2)
        await Promise.all([this.#sendPart(part.slice(0, half)), this.#sendPart(part.slice(half))])
        return
      }
      for (const waiting of part) {
        this.#finish(waiting)
        waiting.reject(error)
      }
    }
  }

  /** Whether the record was not forgotten since it was asked for. */
  #finish(waiting: Waiting): boolean {
    if (this.#inFlight.get(waiting.name) !== waiting) return false
    return this.#inFlight.delete(waiting.name)
  }
}

/** True where a store refused a read because of what one of the records holds. */
function isAboutOneRecord(error: unknown): boolean {
  return isAuthStateError(error) && (error.code === 'RECORD_CORRUPT' || error.code === 'SEAL_KEY_MISSING')
}

function waitingFor(name: string): Waiting {
  let resolve: (text: string | undefined) => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const asked = new Promise<string | undefined>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { name, asked, resolve, reject }
}
