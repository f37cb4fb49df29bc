import { createHash } from 'node:crypto'
import type {
  AuthenticationCreds,
  SignalDataSet,
  SignalDataTypeMap,
  SignalKeyStore,
} from '@whiskeysockets/baileys'
import type { Opened } from './opened.ts'

/** What one record was when it was acknowledged; without a digest it was removed. */
export interface RecordDigest {
  readonly type: string
  readonly id: string
  readonly digest?: string
}

/** Stands between Baileys and an auth state: counts calls, measures how long they take, remembers what was acknowledged. */
export class KeyMeter implements SignalKeyStore {
  calls = 0
  storeMs = 0
  readonly #opened: Opened
  readonly #acknowledged: Map<string, Map<string, unknown>> = new Map()
  #open = 0

  constructor(opened: Opened) {
    this.#opened = opened
  }

  async get<T extends keyof SignalDataTypeMap>(
    type: T,
    ids: string[],
  ): Promise<{ [id: string]: SignalDataTypeMap[T] }> {
    return this.#metered(() => this.#opened.state.keys.get(type, ids))
  }

  async set(data: SignalDataSet): Promise<void> {
    // Taken now: rc14 goes on adding to a transaction's changes while they are being stored, and those are lost.
    const entries = Object.entries(data).map(([type, values]) => [type, Object.entries(values)] as const)
    await this.#metered(() => this.#opened.state.keys.set(data))
    for (const [type, values] of entries) {
      const known = this.#acknowledged.get(type) ?? new Map()
      this.#acknowledged.set(type, known)
      // By reference: Baileys makes a new value for each change.
      for (const [id, value] of values) known.set(id, value)
    }
  }

  async saveCreds(): Promise<void> {
    await this.#metered(() => this.#opened.saveCreds())
  }

  /** Resolves when no call has been open for a tenth of a second. */
  async untilIdle(): Promise<void> {
    for (let quietMs = 0; quietMs < 100; quietMs = this.#open === 0 ? quietMs + 10 : 0) {
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }

  /** All that was acknowledged, and the identity. */
  records(creds: AuthenticationCreds): RecordDigest[] {
    const identity = { type: 'creds', id: '', digest: digestOf(creds.signedIdentityKey) }
    const records = [...this.#acknowledged].flatMap(([type, values]) =>
      Array.from(values, ([id, value]) =>
        value === null || value === undefined ? { type, id } : { type, id, digest: digestOf(value) },
      ),
    )
    return [identity, ...records]
  }

  async #metered<T>(call: () => Promise<T> | T): Promise<T> {
    this.calls += 1
    this.#open += 1
    const startedAt = performance.now()
    try {
      return await call()
    } finally {
      this.#open -= 1
      this.storeMs += performance.now() - startedAt
    }
  }
}

/** The same for all values that Baileys would use alike, and no other. */
export function digestOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(plain(value)))
    .digest('base64')
}

/** Bytes as text, whatever they are kept in, and names in one order. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes:${Buffer.from(value).toString('base64')}`
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, each]) => each !== undefined && each !== null)
  return Object.fromEntries(
    entries.map(([name, each]) => [name, plain(each)] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}
