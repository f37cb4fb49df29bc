import { createHmac, createSecretKey, type KeyObject, randomBytes, scrypt } from 'node:crypto'
import { LRUCache } from 'lru-cache'

/** The shape of the text that says how a passphrase became a key; see {@link parseKdf}. */
export const kdfPattern = '[1-9][0-9]?\\.[1-9][0-9]?\\.[1-9][0-9]?\\.[A-Za-z0-9_-]{22}'

/** scrypt's parameters, and the salt: `<log2 N>.<r>.<p>.<salt in base64url>` in a record. */
export interface Kdf {
  readonly log2N: number
  readonly r: number
  readonly p: number
  readonly salt: Buffer
}

const saltBytes = 16
/** One of OWASP's settings: 32 MiB, and about a fifth of a second of one core. */
const chosen = { log2N: 15, r: 8, p: 3 }
const shape = new RegExp(`^${kdfPattern}$`)

/**
 * What a text from a store asks of scrypt; `undefined` where that is no such text, or asks for more than ours ever
 * will: N over 2^20, r over 32, p over 16, or all together more than 256 MiB or eight times our work, so that nobody
 * who can write the store can make us burn memory or time.
 */
export function parseKdf(text: string): Kdf | undefined {
  if (!shape.test(text)) return undefined
  const [log2N = 0, r = 0, p = 0] = text.split('.').slice(0, 3).map(Number)
  if (log2N > 20 || r > 32 || p > 16 || 2 ** log2N * r * p > 2 ** 21) return undefined
  const salt = Buffer.from(text.slice(text.lastIndexOf('.') + 1), 'base64url')
  return salt.length === saltBytes ? { log2N, r, p, salt } : undefined
}

// All of a process's wrappers share these: a derivation is slow so that guesses are, not so that sessions are.
const derived = new LRUCache<string, KeyObject | Promise<KeyObject>>({ max: 256 })
const lastKdf = new LRUCache<string, string>({ max: 256 })
const fingerprintKey = randomBytes(32)

/** A passphrase, from which scrypt makes one key for each salt. */
export class Passphrase {
  readonly #bytes: KeyObject
  readonly #fingerprint: string

  /** `id` keeps the salts of one passphrase under two ids apart. */
  constructor(id: string, passphrase: string) {
    // One text, whichever way the keyboard or the editor composes its accents.
    const bytes = Buffer.from(passphrase.normalize('NFC'), 'utf8')
    this.#bytes = createSecretKey(bytes)
    this.#fingerprint = createHmac('sha256', fingerprintKey).update(`${id}\n`).update(bytes).digest('hex')
  }

  /**
   * The salt and parameters to write with: those that were last {@link Passphrase.proved read} or made in this
   * process, so that a fleet of sessions shares one derivation.
   */
  get writingKdf(): string {
    const known = lastKdf.get(this.#fingerprint)
    if (known !== undefined) return known
    const { log2N, r, p } = chosen
    const made = `${log2N}.${r}.${p}.${randomBytes(saltBytes).toString('base64url')}`
    lastKdf.set(this.#fingerprint, made)
    return made
  }

  /** The key for a salt, at once where this process has derived it before; `undefined` for a text that is refused. */
  master(kdf: string): KeyObject | Promise<KeyObject> | undefined {
    const known = derived.get(this.#fingerprint + kdf)
    if (known) return known
    const parsed = parseKdf(kdf)
    if (!parsed) return undefined
    const deriving = this.#derive(parsed)
    derived.set(this.#fingerprint + kdf, deriving)
    deriving.then(
      master => derived.set(this.#fingerprint + kdf, master),
      () => derived.delete(this.#fingerprint + kdf),
    )
    return deriving
  }

  /** A record of this salt was opened, so its salt is one of ours: it is written with as well, unless it is weaker. */
  proved(kdf: string): void {
    if (lastKdf.get(this.#fingerprint) === kdf) return
    const { log2N = 0, r = 0, p = 0 } = parseKdf(kdf) ?? {}
    if (log2N >= chosen.log2N && r >= chosen.r && p >= chosen.p) lastKdf.set(this.#fingerprint, kdf)
  }

  #derive({ log2N, r, p, salt }: Kdf): Promise<KeyObject> {
    const options = { N: 2 ** log2N, r, p, maxmem: 128 * r * (2 ** log2N + p + 2) }
    return new Promise((resolve, reject) => {
      scrypt(this.#bytes.export(), salt, 32, options, (error, bytes) => {
        if (error) reject(error)
        else resolve(createSecretKey(bytes))
      })
    })
  }
}
