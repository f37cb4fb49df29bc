import { decode, encode } from '../buffer-json.ts'
import { recordName } from '../names.ts'
import { putOwn } from '../own-property.ts'
import { absent, type Cached } from '../session/record-cache.ts'
import { SyncKeys, syncKeyType } from './sync-keys.ts'
import type { TextCache } from './text-cache.ts'

/** Values by type and id. */
export type KeyValues = { [type: string]: { [id: string]: unknown } | undefined }

/** The store under the cache. */
export interface KeySource {
  get(type: string, ids: string[]): unknown
  set(data: KeyValues): unknown
  clear?(): unknown
}

/** Told how many records are read from the store, or have been changed. */
export type KeyTrace = (count: { items: number } | { keys: number }, message: string) => void

/** A record's text, or the value itself where JSON has no text for it: such a one is handed on and never kept. */
type Answer = Cached | { readonly value: unknown }

/** Makes a value of a text. */
type Reader = (text: string) => unknown

/** One call to the store. */
interface Read {
  readonly ids: ReadonlySet<string>
  readonly answers: Promise<ReadonlyMap<string, Answer>>
}

/** A record that is being set, by so many calls; of overlapping ones nobody knows which the store took last. */
interface Changing {
  sets: number
  overlapped: boolean
}

/**
 * Reads a store through a cache. One rule keeps it from ever being behind the store: a text enters it only if from the
 * beginning of its read or set to the end no other change of the record was under way. So a change that begins forgets
 * its records, what is kept of them and what is being read, and one that has another beside it keeps nothing.
 */
export class CachedKeys {
  readonly #source: KeySource
  readonly #texts: TextCache
  readonly #trace: KeyTrace
  readonly #syncKeys = new SyncKeys()
  readonly #reads = new Map<string, Read>()
  readonly #changing = new Map<string, Changing>()
  #clears = 0

  constructor(source: KeySource, texts: TextCache, trace: KeyTrace) {
    this.#source = source
    this.#texts = texts
    this.#trace = trace
  }

  /** Values of the caller's own under every id, `null` where the record is absent. */
  async get(type: string, ids: readonly string[]): Promise<{ [id: string]: unknown }> {
    const wanted = Array.from(new Set(ids))
    const found = this.#texts.find(wanted.map(id => recordName(type, id)))
    // Not awaited where it is there already: the store is asked before the caller's next call.
    const cached = found instanceof Promise ? await found : found
    const result: { [id: string]: unknown } = {}
    const reader = this.#readerFor(type, cached)
    const read = reader instanceof Promise ? await reader : reader
    const missing: string[] = []
    for (const [at, id] of wanted.entries()) {
      const value = valueFrom(cached[at], read)
      if (value === undefined) missing.push(id)
      putOwn(result, id, value)
    }
    // A hit waits for nothing and takes no detour.
    if (missing.length === 0) return result
    const answers = await this.#answers(type, missing)
    const readAnswer = await this.#readerFor(type, Array.from(answers.values()))
    for (const id of missing) {
      const answer = answers.get(id)
      const value = valueFrom(answer, readAnswer)
      // Nobody can make a key of it.
      putOwn(result, id, value === undefined && typeof answer === 'string' ? decode(answer) : value)
    }
    return result
  }

  /** Lands changes in the store, then in the cache. Values are taken as they are at the call. */
  async set(data: KeyValues): Promise<void> {
    const copies: KeyValues = {}
    const texts = new Map<string, Cached | undefined>()
    for (const [type, values] of Object.entries(data)) {
      if (values === undefined || values === null) continue
      const copied: { [id: string]: unknown } = {}
      for (const [id, value] of Object.entries(values)) {
        const text = value ? textOf(value) : absent
        texts.set(recordName(type, id), text)
        putOwn(copied, id, value ? this.#copy(type, value, text) : null)
      }
      putOwn(copies, type, copied)
    }
    for (const name of texts.keys()) this.#begin(name)
    let landed = false
    try {
      await this.#source.set(copies)
      landed = true
    } finally {
      for (const [name, text] of texts) this.#end(name, landed ? text : undefined)
    }
    this.#trace({ keys: texts.size }, 'updated cache')
  }

  /** Forgets everything, and clears the store if it can be. */
  async clear(): Promise<void> {
    this.#clears += 1
    this.#texts.clear()
    this.#reads.clear()
    for (const changing of this.#changing.values()) changing.overlapped = true
    try {
      await this.#source.clear?.()
    } finally {
      this.#clears -= 1
    }
  }

  #begin(name: string): void {
    this.#reads.delete(name)
    this.#texts.drop(name)
    const changing = this.#changing.get(name)
    if (changing === undefined) {
      this.#changing.set(name, { sets: 1, overlapped: this.#clears > 0 })
    } else {
      changing.sets += 1
      changing.overlapped = true
    }
  }

  #end(name: string, text: Cached | undefined): void {
    const changing = this.#changing.get(name)
    if (changing === undefined) return
    changing.sets -= 1
    if (changing.sets > 0) return
    this.#changing.delete(name)
    if (text !== undefined && !changing.overlapped) this.#texts.keep(name, text)
  }

  /** What the store has under these ids, in one call at most: reads that are in flight are joined. */
  async #answers(
    type: string,
    ids: readonly string[],
    mayJoin: (read: Read) => boolean = () => true,
  ): Promise<Map<string, Answer>> {
    const joined = new Map<Read, string[]>()
    const asked: string[] = []
    for (const id of ids) {
      const read = this.#reads.get(recordName(type, id))
      if (read === undefined || !mayJoin(read)) asked.push(id)
      else joined.set(read, [...(joined.get(read) ?? []), id])
    }
    if (asked.length > 0) joined.set(this.#ask(type, asked), asked)
    const wanted = new Set(ids)
    const answers = new Map<string, Answer>()
    await Promise.all(
      Array.from(joined, async ([read, own]) => {
        const given = await read.answers.catch((error: unknown) => {
          if (isWithin(read.ids, wanted)) throw error
          // What failed may be a record that only another get asked for.
          const mine = new Set(own)
          return this.#answers(type, own, other => isWithin(other.ids, mine))
        })
        for (const id of own) answers.set(id, given.get(id) ?? absent)
      }),
    )
    return answers
  }

  #ask(type: string, ids: readonly string[]): Read {
    this.#trace({ items: ids.length }, 'loading from store')
    const read: Read = { ids: new Set(ids), answers: this.#call(type, ids) }
    for (const name of ids.map(id => recordName(type, id))) {
      // While a record changes, each get asks the store, whose own rule decides what it sees.
      if (this.#clears === 0 && !this.#changing.has(name)) this.#reads.set(name, read)
    }
    const settle = (answers?: ReadonlyMap<string, Answer>): void => {
      for (const id of ids) {
        const name = recordName(type, id)
        if (this.#reads.get(name) !== read) continue
        this.#reads.delete(name)
        const answer = answers?.get(id)
        if (answer !== undefined && !isValue(answer)) this.#texts.keep(name, answer)
      }
    }
    read.answers.then(settle, () => settle())
    return read
  }

  async #call(type: string, ids: readonly string[]): Promise<ReadonlyMap<string, Answer>> {
    const found: unknown = await this.#source.get(type, Array.from(ids))
    const answers = new Map<string, Answer>()
    for (const id of ids) {
      const value = ownValue(found, id)
      if (value && type === syncKeyType) this.#syncKeys.notice(value)
      answers.set(id, value ? (textOf(value) ?? { value }) : absent)
    }
    return answers
  }

  /** What makes values of the texts among such answers; it may throw. */
  #readerFor(type: string, answers: readonly (Answer | undefined)[]): Reader | Promise<Reader> {
    const needsClass = type === syncKeyType && answers.some(answer => typeof answer === 'string')
    return needsClass ? this.#syncKeys.reviver().catch(fails) : decode
  }

  #copy(type: string, value: unknown, text: Cached | undefined): unknown {
    if (typeof text !== 'string') return value
    if (type !== syncKeyType) return decode(text)
    this.#syncKeys.notice(value)
    return this.#syncKeys.copy(value, text)
  }
}

/** The value that an answer stands for; `undefined` for none, and for a text that can't be read. */
function valueFrom(answer: Answer | undefined, read: Reader): unknown {
  if (answer === absent) return null
  if (typeof answer !== 'string') return answer?.value
  try {
    return read(answer)
  } catch {
    return undefined // A caller's cache has damaged it.
  }
}

/** The store alone knows what to do with a value that has no text. */
function textOf(value: unknown): string | undefined {
  try {
    return encode(value)
  } catch {
    return undefined
  }
}

function ownValue(found: unknown, id: string): unknown {
  if (typeof found !== 'object' || found === null) {
    throw new TypeError('The store under makeCacheableSignalKeyStore answered get with no object.')
  }
  // A record is what its property holds, whatever the object inherits: ids are of any name.
  return Object.hasOwn(found, id) ? (found as { [id: string]: unknown })[id] : undefined
}

function isValue(answer: Answer): answer is { readonly value: unknown } {
  return typeof answer === 'object'
}

function isWithin(ids: ReadonlySet<string>, wanted: ReadonlySet<string>): boolean {
  for (const id of ids) if (!wanted.has(id)) return false
  return true
}

function fails(error: unknown): Reader {
  return () => {
    throw error
  }
}
