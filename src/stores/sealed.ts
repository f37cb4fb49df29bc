import type { Store } from '../store.ts'
import { KeyRing, type SealKeys } from './sealed/key-ring.ts'
import { SealedStore } from './sealed/sealed-store.ts'

export type { SealKeys }

/** How {@link sealed} encrypts. */
export interface SealedOptions {
  /**
   * Keys by id: 32 bytes, or a passphrase of at least 8 characters. The first one writes, all of them read: to
   * rotate, put a new one first. Ids begin with a letter. The bytes are copied.
   */
  readonly keys: SealKeys
  /**
   * Whether names of records, which hold phone numbers, are replaced by HMACs. Records from before are found, and
   * hidden when they are next written. It can't be turned off again: copy the session into another store for that.
   * Every list then reads values.
   * @default false
   */
  readonly hideNames?: boolean
}

/**
 * A store that encrypts what goes into another one, with AES-256-GCM: who can read the database learns when a session
 * changes and how large its records are; who can write it can remove records, or put back what stood under the same
 * name before, but make, alter, move or swap none. What the store held before stays readable, and is sealed when it is
 * next written. Sessions' names and leases (reserved records: host names, process ids) stay readable.
 *
 * A wrong or missing key is an error, `RECORD_CORRUPT` or `SEAL_KEY_MISSING`, and never an empty session.
 *
 * @throws TypeError for wrong options
 *
 * @example
 * const key = Buffer.from(process.env.AUTH_KEY, 'base64') // openssl rand -base64 32
 * const auth = await useAuthState(sealed(store, { keys: { k1: key } }), { session: 'shop-1' })
 */
export function sealed(store: Store, options: SealedOptions): Store {
  const isStore = typeof store?.read === 'function' && typeof store.write === 'function' && 'limits' in store
  if (!isStore) throw new TypeError('sealed takes a store first: memoryStore(), for example, not a client.')
  if (store instanceof SealedStore) {
    throw new TypeError('sealed takes a store that is not sealed already: put all keys in one ring.')
  }
  if (typeof options !== 'object' || options === null)
    throw new TypeError('sealed takes options: { keys: { k1: key } }.')
  const unknownName = Object.keys(options).find(name => name !== 'keys' && name !== 'hideNames')
  if (unknownName !== undefined)
    throw new TypeError(`unknown option '${unknownName}' of sealed; there are: keys, hideNames.`)
  const { keys, hideNames = false } = options
  if (typeof hideNames !== 'boolean') throw new TypeError("option 'hideNames' takes true or false.")
  return new SealedStore(store, new KeyRing(keys), hideNames)
}
