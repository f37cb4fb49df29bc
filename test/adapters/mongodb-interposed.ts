import type { MongoCollection, MongoCursor } from '../../adapters/mongodb.ts'

/** What becomes of one command: `send` sends it to the server and gives its answer. */
export type Interposition = (method: string, send: () => Promise<object>) => Promise<object>

const commands = [
  'findOneAndUpdate',
  'insertOne',
  'updateOne',
  'deleteOne',
  'deleteMany',
  'bulkWrite',
  'createIndex',
]

/** A real collection, each command of which goes through `interpose`: held back, counted, cut off before or after. */
export function interposed(collection: MongoCollection, interpose: Interposition): MongoCollection {
  return new Proxy(collection, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name, target)
      if (typeof method !== 'function') return method
      if (name === 'find') {
        return (...args: unknown[]): MongoCursor => {
          const cursor: MongoCursor = method.apply(target, args)
          const { toArray } = cursor

          cursor.toArray = async () => Object(await interpose('find', () => toArray.call(cursor)))
          return cursor
        }
      }
      if (!commands.includes(String(name))) return method.bind(target)
      return (...args: unknown[]) => interpose(String(name), () => method.apply(target, args))
    },
  })
}

/** A command that is held back until it is let go. */
export class Gate {
  /** Resolves when a command waits here. */
  readonly reached: Promise<void>
  #reach: () => void = () => {}
  #open: () => void = () => {}
  readonly #opened: Promise<void>

  constructor() {
    this.reached = new Promise(resolve => {
      this.#reach = resolve
    })
    this.#opened = new Promise(resolve => {
      this.#open = resolve
    })
  }

  async pass<T>(send: () => Promise<T>): Promise<T> {
    this.#reach()
    await this.#opened
    return send()
  }

  open(): void {
    this.#open()
  }
}
