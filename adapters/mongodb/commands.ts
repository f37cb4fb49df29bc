import type { MongoCollection } from './collection.ts'
import { duplicatesOf, explained, isDuplicate } from './trouble.ts'

/** What a client, database or collection may have set otherwise for all its calls. */
const plain = {
  raw: false,
  promoteValues: true,
  promoteLongs: true,
  promoteBuffers: false,
  useBigInt64: false,
  ignoreUndefined: false,
  bsonRegExp: false,
  serializeFunctions: false,
  fieldsAsRaw: {},
  enableUtf8Validation: true,
} as const

// What is read is by then safe on a majority: each owner read what its take-over found in the answer to a write that
// is, and waits for its own writes. So `local` is enough, and a standalone knows it.
const reading = { ...plain, readPreference: 'primary', readConcern: { level: 'local' } } as const
// The driver repeats a write once, when its connection was lost, and asks no command whether it may: that is the client's
// own `retryWrites`, which is the caller's. It does no harm: a batch or a deletion finds its number or its fence gone, and
// a record does not go back. One that was removed is remembered for two days, far longer than a server is waited for.
const writing = { ...plain, writeConcern: { w: 'majority', j: true } } as const

/** What a read may ask for. */
export interface FindOptions {
  readonly projection?: object
  readonly limit?: number
  /** @default by `_id`, upwards */
  readonly sort?: { readonly _id: 1 | -1 }
  /** How many documents one answer may hold. */
  readonly batchSize?: number
}

/** What one upsert or insert of {@link Commands.bulk} is. */
export type BulkOperation =
  | { readonly updateOne: { readonly filter: object; readonly update: object; readonly upsert: boolean } }
  | { readonly insertOne: { readonly document: object } }

/**
 * The calls to one collection: each read from the primary, each write acknowledged by a majority and journaled, whatever
 * else the collection was made with; and no error that carries data.
 */
export class Commands {
  readonly #collection: MongoCollection

  constructor(collection: MongoCollection) {
    this.#collection = collection
  }

  /** Documents in the order of their `_id`s, which is also the order in which the server reads them: upwards. */
  find(filter: object, options: FindOptions = {}): Promise<object[]> {
    return told('READ_FAILED', () => this.#cursor(filter, options).toArray())
  }

  /** The same, an answer at a time. */
  async *each(filter: object, options: FindOptions = {}): AsyncGenerator<object, void, void> {
    try {
      for await (const document of { [Symbol.asyncIterator]: () => this.#iterator(filter, options) }) {
        yield document
      }
    } catch (error) {
      throw explained(error, 'READ_FAILED')
    }
  }

  /** Whether a document was there to change. */
  async update(filter: object, update: object): Promise<boolean> {
    const result = await this.#write(() => this.#collection.updateOne(filter, update, writing))
    return Object(result).matchedCount > 0
  }

  /** The changed document; `undefined` where there was none to change. */
  async updated(filter: object, update: object): Promise<object | undefined> {
    const options = { ...writing, returnDocument: 'after', includeResultMetadata: false }
    return (await this.#write(() => this.#collection.findOneAndUpdate(filter, update, options))) ?? undefined
  }

  /** False where a document with its `_id` is there. */
  insert(document: object): Promise<boolean> {
    return this.#write(async () => {
      try {
        await this.#collection.insertOne(document, writing)
        return true
      } catch (error) {
        if (isDuplicate(error)) return false
        throw error
      }
    })
  }

  /** Whether there was a document to delete. */
  async delete(filter: object): Promise<boolean> {
    const result = await this.#write(() => this.#collection.deleteOne(filter, writing))
    return Object(result).deletedCount > 0
  }

  async deleteMany(filter: object): Promise<void> {
    await this.#write(() => this.#collection.deleteMany(filter, writing))
  }

  /** Does all of it; an upsert whose document is there, but is not what its filter asks for, is left out. */
  async bulk(operations: readonly BulkOperation[]): Promise<void> {
    const refused = await this.#write(() => this.#refusedOf(operations))
    // Of two that insert one document at once the second is refused, whichever is the later. It is there now: look.
    const again = refused.flatMap(operation =>
      'updateOne' in operation ? [{ updateOne: { ...operation.updateOne, upsert: false } }] : [],
    )
    if (again.length > 0) await this.#write(() => this.#refusedOf(again))
  }

  /** Does all that it can; gives those that were refused since a document with their `_id` is there. */
  async #refusedOf(operations: readonly BulkOperation[]): Promise<BulkOperation[]> {
    try {
      await this.#collection.bulkWrite(operations, { ...writing, ordered: false })
      return []
    } catch (error) {
      const indexes = duplicatesOf(error)
      if (!indexes) throw error
      return operations.filter((_, index) => indexes.has(index))
    }
  }

  /** How the collection was made; `undefined` where it is not there yet. */
  options(): Promise<object | undefined> {
    return told('READ_FAILED', async () => {
      try {
        return await this.#collection.options({ ...plain, readPreference: 'primary' })
      } catch (error) {
        if (/not found/.test(String(Object(error).message))) return undefined
        throw error
      }
    })
  }

  /** Its indexes; none where it is not there yet. */
  indexes(): Promise<readonly unknown[]> {
    return told('READ_FAILED', async () => {
      try {
        const found = await this.#collection.indexes({ ...plain, readPreference: 'primary' })
        return Array.isArray(found) ? found : []
      } catch (error) {
        if (Object(error).code === 26) return []
        throw error
      }
    })
  }

  async createIndex(keys: { readonly [field: string]: 1 }, options: object): Promise<void> {
    await this.#write(() =>
      this.#collection.createIndex(keys, { ...options, writeConcern: { w: 'majority' } }),
    )
  }

  #iterator(filter: object, options: FindOptions): AsyncIterator<object, unknown> {
    return this.#cursor(filter, options)[Symbol.asyncIterator]()
  }

  #cursor(filter: object, options: FindOptions): ReturnType<MongoCollection['find']> {
    return this.#collection.find(filter, { ...reading, sort: { _id: 1 }, hint: { _id: 1 }, ...options })
  }

  #write<T>(command: () => Promise<T>): Promise<T> {
    return told('WRITE_FAILED', command)
  }
}

async function told<T>(code: 'READ_FAILED' | 'WRITE_FAILED', command: () => Promise<T>): Promise<T> {
  try {
    return await command()
  } catch (error) {
    throw explained(error, code)
  }
}
