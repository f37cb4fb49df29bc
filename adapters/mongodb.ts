import { isReserved } from '../src/names.ts'
import type { Change, Entry, Guard, ListOptions, Store, StoreLimits, StoreWarning } from '../src/store.ts'
import { adopt } from './mongodb/adoption.ts'
import type { MongoCollection } from './mongodb/collection.ts'
import { Commands } from './mongodb/commands.ts'
import { sweep } from './mongodb/graves.ts'
import { land } from './mongodb/landing.ts'
import { listRecords, listScopes } from './mongodb/listing.ts'
import { readReserved, readScope } from './mongodb/reading.ts'
import { removeScope } from './mongodb/removal.ts'
import { prepare } from './mongodb/schema.ts'
import { Scopes } from './mongodb/scopes.ts'
import { isPermanent, kind } from './mongodb/trouble.ts'

export type { MongoCollection, MongoCursor } from './mongodb/collection.ts'

/**
 * Keeps many sessions in one MongoDB collection, passed as a `Collection` of `mongodb` 6 or 7. A batch is whole without
 * a transaction, so a standalone server serves as well as a replica set or a sharded cluster (shard key: `scope`).
 *
 * Reads are from the primary, and a write resolves when a majority has it in its journal, whatever the client's own
 * settings are.
 */
export function mongoStore(collection: MongoCollection, internals: MongoInternals = {}): Store {
  return new MongoStore(collection, internals)
}

interface MongoInternals {
  /** The scope that adopts what the guides' function has left. */
  readonly adopt?: string
  /** How long what is known of a session's log may be acted upon. @default 60_000 */
  readonly freshMs?: number
}

const methods = ['find', 'findOneAndUpdate', 'insertOne', 'updateOne', 'deleteOne', 'deleteMany', 'bulkWrite']
const longestCloseMs = 5_000

class MongoStore implements Store {
  readonly kind = kind
  readonly durability = 'server'
  readonly limits: StoreLimits = { readNames: 2_000, batchBytes: 8 * 1024 * 1024 }
  readonly identity: readonly unknown[]
  readonly #commands: Commands
  readonly #scopes: Scopes
  readonly #adopts: string | undefined
  #warnings: readonly StoreWarning[] = []
  #sweeping: Promise<void> | undefined

  constructor(collection: MongoCollection, { adopt, freshMs }: MongoInternals) {
    if (!methods.every(method => typeof Object(collection)[method] === 'function')) {
      throw new TypeError(
        'A mongodb store needs a Collection of the driver mongodb: client.db().collection(\u2026).',
      )
    }
    this.identity = [kind, clientOf(collection), collection.dbName, collection.collectionName]
    this.#commands = new Commands(collection)
    this.#scopes = new Scopes(this.#commands, freshMs)
    this.#adopts = adopt
  }

  get warnings(): readonly StoreWarning[] {
    return this.#warnings
  }

  async open(): Promise<void> {
    const graves = await prepare(this.#commands)
    // Nobody waits for it but close(), and what it leaves the next store sweeps: there may be thousands.
    this.#sweeping ??= sweep(this.#commands, graves).catch(() => {})
    if (this.#adopts !== undefined) this.#warnings = await adopt(this.#commands, this.#adopts)
  }

  async read(scope: string, names: readonly string[]): Promise<(string | undefined)[]> {
    if (names.every(isReserved)) return readReserved(this.#commands, scope, names)
    this.#scopes.known(scope)?.applyAgain()
    const { texts } = await readScope(this.#commands, this.#scopes, scope, names)
    return names.map(name => texts.get(name))
  }

  write(scope: string, changes: readonly Change[], guards: readonly Guard[] = []): Promise<boolean> {
    return land(this.#commands, this.#scopes, scope, changes, guards)
  }

  list(scope: string, options: ListOptions = {}): AsyncIterable<readonly Entry[]> {
    return listRecords(this.#commands, this.#scopes, scope, options)
  }

  scopes(prefix = ''): AsyncIterable<readonly string[]> {
    return listScopes(this.#commands, prefix)
  }

  remove(scope: string, guards: readonly Guard[] = []): Promise<boolean> {
    return removeScope(this.#commands, this.#scopes, scope, guards, { adopts: scope === this.#adopts })
  }

  /** What was acknowledged is safe; it is only tidied up, so that whoever is next reads less. */
  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const enough = new Promise<void>(resolve => {
      timer = setTimeout(resolve, longestCloseMs)
    })
    await Promise.race([Promise.all([this.#scopes.settled(), this.#sweeping]), enough])
    clearTimeout(timer)
  }

  isPermanent(error: unknown): boolean {
    return isPermanent(error)
  }
}

/** The client behind a collection, where the driver tells it: several objects may stand for one collection. */
function clientOf(collection: MongoCollection): unknown {
  const { client, db, s } = Object(collection)
  return client ?? db?.client ?? s?.db?.client ?? s?.db?.s?.client ?? collection
}
