import { connect, type Socket } from 'node:net'
import type { Change, Durability, Entry, Guard, ListOptions, Store, StoreLimits } from '../../../src/store.ts'
import { byLine, type WireAnswer, type WireCall, type WireRecord } from './wire.ts'

/** How a {@link sharedStore} differs from the next one on the same data. */
export interface SharedStoreOptions {
  /** Makes it another store by identity, so that one process plays two: each has its own owner and heartbeat. */
  readonly as?: string
  /** @default 'server' */
  readonly durability?: Durability
  readonly limits?: Partial<StoreLimits>
}

/** The code of an error that a shared store calls permanent. */
export const permanentCode = 'PERMISSION_DENIED'

/** A store that several processes share: a client of a `SharedStoreServer`. It connects when it is called, and keeps no process alive. */
export function sharedStore(url: string, options: SharedStoreOptions = {}): Store {
  return new SharedStore(url, options)
}

interface Pending {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

class SharedStore implements Store {
  readonly kind = 'shared'
  readonly identity: readonly unknown[]
  readonly limits: StoreLimits
  readonly durability: Durability
  readonly #port: number
  readonly #pending = new Map<number, Pending>()
  #socket: Socket | undefined
  #lastId = 0

  constructor(url: string, options: SharedStoreOptions) {
    this.identity = [this.kind, url, options.as]
    this.limits = { readNames: 10_000, batchBytes: 16_000_000, ...options.limits }
    this.durability = options.durability ?? 'server'
    this.#port = Number(new URL(url).port)
  }

  async open(): Promise<void> {}

  async read(scope: string, names: readonly string[]): Promise<(string | undefined)[]> {
    // The server answers each method with what its store gave.
    const texts = (await this.#call({ method: 'read', scope, names })) as (string | null)[]
    return texts.map(text => text ?? undefined)
  }

  async write(scope: string, changes: readonly Change[], guards: readonly Guard[] = []): Promise<boolean> {
    const call = { method: 'write', scope, changes: changes.map(toWire), guards: guards.map(toWire) } as const
    return (await this.#call(call)) === true
  }

  async *list(
    scope: string,
    { prefix = '', values = false }: ListOptions = {},
  ): AsyncIterable<readonly Entry[]> {
    yield (await this.#call({ method: 'list', scope, prefix, values })) as readonly Entry[]
  }

  async *scopes(prefix = ''): AsyncIterable<readonly string[]> {
    yield (await this.#call({ method: 'scopes', scope: '', prefix })) as readonly string[]
  }

  async remove(scope: string, guards: readonly Guard[] = []): Promise<boolean> {
    return (await this.#call({ method: 'remove', scope, guards: guards.map(toWire) })) === true
  }

  async close(): Promise<void> {
    this.#socket?.destroy()
  }

  isPermanent(error: unknown): boolean {
    return typeof error === 'object' && error !== null && 'code' in error && error.code === permanentCode
  }

  #call(call: Omit<WireCall, 'id'>): Promise<unknown> {
    const socket = this.#connected()
    this.#lastId += 1
    const id = this.#lastId
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      socket.ref()
      socket.write(`${JSON.stringify({ id, ...call })}\n`)
    })
  }

  #connected(): Socket {
    if (this.#socket) return this.#socket
    const socket = connect(this.#port, '127.0.0.1')
    this.#socket = socket
    socket.setNoDelay(true).setEncoding('utf8')
    socket.on(
      'data',
      byLine(line => this.#take(JSON.parse(line))),
    )
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#socket = undefined
      const lost = Array.from(this.#pending.values())
      this.#pending.clear()
      for (const { reject } of lost)
        reject(Object.assign(new Error('connection lost'), { code: 'ECONNRESET' }))
    })
    return socket
  }

  #take({ id, result, error }: WireAnswer): void {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    if (this.#pending.size === 0) this.#socket?.unref()
    if (error) pending?.reject(Object.assign(new Error(error.message), { code: error.code }))
    else pending?.resolve(result)
  }
}

function toWire({ name, value }: Change | Guard): WireRecord {
  return { name, value: value ?? null }
}
