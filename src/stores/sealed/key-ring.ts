import { createSecretKey, type KeyObject } from 'node:crypto'
import { types } from 'node:util'
import { Passphrase } from './passphrase.ts'

/** The shape of a key's id. */
export const keyIdPattern = '[A-Za-z][A-Za-z0-9_-]{0,31}'

/** Keys by id. The first one writes; all of them read. */
export interface SealKeys {
  readonly [id: string]: Uint8Array | string
}

/** One key of a ring. */
export interface RingKey {
  readonly id: string
  /** How this key is made from what the caller gave, for what is written now: `''` for a key that was given as it is. */
  readonly writingKdf: string
  /** The key that `kdf` makes of it; `undefined` where that is no way to make one of it. */
  master(kdf: string): KeyObject | Promise<KeyObject> | undefined
  /** Something that was sealed so could be opened. */
  proved(kdf: string): void
}

/** The keys of one wrapper, in the caller's order. */
export class KeyRing {
  readonly first: RingKey
  readonly size: number
  readonly #keys: ReadonlyMap<string, RingKey>

  /** Copies the keys: the caller may overwrite its own afterwards. @throws TypeError that names the key and what is wrong with it */
  constructor(keys: SealKeys) {
    if (typeof keys !== 'object' || keys === null || Array.isArray(keys) || types.isUint8Array(keys)) {
      throw new TypeError("option 'keys' takes an object of keys by id: { k1: key }.")
    }
    const ring = Object.entries(keys).map(([id, key]) => ringKey(id, key))
    const [first] = ring
    if (!first) throw new TypeError("option 'keys' holds no key: give one at least, { k1: key }.")
    this.first = first
    this.size = ring.length
    this.#keys = new Map(ring.map(key => [key.id, key]))
  }

  get(id: string): RingKey | undefined {
    return this.#keys.get(id)
  }

  /** Where in the caller's order a key stands. */
  orderOf(id: string): number {
    return Array.from(this.#keys.keys()).indexOf(id)
  }
}

const keyBytes = 32
const shortestPassphrase = 8
const idShape = new RegExp(`^${keyIdPattern}$`)

function ringKey(id: string, key: unknown): RingKey {
  if (!idShape.test(id)) {
    throw new TypeError(
      `option 'keys': ${JSON.stringify(id)} is no id for a key. An id begins with a letter, and has 32 letters, digits, "_" or "-" at most: ` +
        'JavaScript puts property names that look like numbers before all others, and the first key is the one that writes.',
    )
  }
  if (typeof key === 'string') return passphraseKey(id, key)
  if (!types.isUint8Array(key) || key.length !== keyBytes) {
    throw new TypeError(
      `option 'keys': the key '${id}' must be ${keyBytes} bytes (crypto.randomBytes(${keyBytes}), a Uint8Array), or a passphrase, a string.`,
    )
  }
  const master = createSecretKey(key)
  return { id, writingKdf: '', master: kdf => (kdf === '' ? master : undefined), proved() {} }
}

function passphraseKey(id: string, key: string): RingKey {
  if (key.length < shortestPassphrase) {
    throw new TypeError(
      `option 'keys': the passphrase '${id}' is shorter than ${shortestPassphrase} characters.`,
    )
  }
  const passphrase = new Passphrase(id, key)
  return {
    id,
    get writingKdf() {
      return passphrase.writingKdf
    },
    master: kdf => passphrase.master(kdf),
    proved: kdf => passphrase.proved(kdf),
  }
}
