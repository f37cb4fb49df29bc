import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'

/** How many sets of scopes there are. */
export const buckets = 256
const scopesRemembered = 10_000

/**
 * The keys of one place. A scope's hash and the set that lists it carry the same hash tag, so that a Cluster keeps both
 * in one slot, whatever braces the prefix has.
 *
 * Scopes have no braces, so the last pair in a key is always ours, and what stands before it is the prefix: no two
 * places share a key.
 */
export class Layout {
  /** The key with the version of the layout. */
  readonly schema: string
  readonly #before: string
  /** What follows the tag, before ours: where the prefix has an empty pair of braces, the tag fills that. */
  readonly #after: string
  /** Finding one takes longer than putting a whole command together. */
  readonly #sets = new LRUCache<string, string>({ max: scopesRemembered })

  /** @throws TypeError for a prefix that no key can begin with */
  constructor(prefix: string, keyPrefix: string) {
    const all = keyPrefix + prefix
    const open = all.indexOf('{')
    // Redis then hashes the whole key, and the hash would not lie where its set does.
    const isEmptyTag = open >= 0 && all[open + 1] === '}'
    if (isEmptyTag && open < keyPrefix.length) {
      throw new TypeError("The client's keyPrefix must not have empty braces: {}.")
    }
    const at = open - keyPrefix.length
    this.#before = isEmptyTag ? prefix.slice(0, at) : prefix
    this.#after = isEmptyTag ? `${prefix.slice(at + 2)}{}` : ''
    this.schema = this.#tagged('schema')
  }

  /** The hash with a scope's records. */
  records(scope: string): string {
    return `${this.scopesOf(scope)}:${scope}`
  }

  /** The set that lists a scope. */
  scopesOf(scope: string): string {
    const known = this.#sets.get(scope)
    if (known !== undefined) return known
    const set = this.bucket(createHash('sha256').update(scope).digest()[0] ?? 0)
    this.#sets.set(scope, set)
    return set
  }

  /** The set of scopes of that number. */
  bucket(number: number): string {
    return this.#tagged(number.toString(16).padStart(2, '0'))
  }

  #tagged(tag: string): string {
    return `${this.#before}{${tag}}${this.#after}`
  }
}
