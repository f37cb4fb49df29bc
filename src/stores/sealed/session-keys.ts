import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { hiddenPrefix } from '../../sealed-marks.ts'
import type { KeyRing } from './key-ring.ts'

/** What a ring's key is for one session. Made as {@link SealedHeader} says. */
export interface SessionKey {
  readonly keyId: string
  readonly kdf: string
  /** Seals the session's records. */
  readonly records: KeyObject
  /** Hides their names. */
  readonly names: KeyObject
  /** Tells it from every other one of this process. */
  readonly serial: number
}

/** Why there is no such key: its id is not in the ring, or it can't be made as the record says. */
export type NoKey = 'missing' | 'mismatch'

const mostKeys = 4_096
const mostNames = 20_000
let lastSerial = 0

/** The keys of sessions, made of a ring's, and the last used ones kept. */
export class SessionKeys {
  readonly ring: KeyRing
  readonly #keys = new LRUCache<string, SessionKey>({ max: mostKeys })
  readonly #names = new LRUCache<string, string>({ max: mostNames })

  constructor(ring: KeyRing) {
    this.ring = ring
  }

  /** The key, at once; `undefined` where it has to be {@link SessionKeys.derive derived}. */
  ready(scope: string, keyId: string, kdf: string): SessionKey | undefined {
    return this.#keys.get(`${keyId} ${kdf} ${scope}`)
  }

  async derive(scope: string, keyId: string, kdf: string): Promise<SessionKey | NoKey> {
    const known = this.ready(scope, keyId, kdf)
    if (known) return known
    const ringKey = this.ring.get(keyId)
    if (!ringKey) return 'missing'
    const master = await ringKey.master(kdf)
    if (!master) return 'mismatch'
    lastSerial += 1
    const key = {
      keyId,
      kdf,
      records: subkey(master, 'records', scope),
      names: subkey(master, 'names', scope),
      serial: lastSerial,
    }
    this.#keys.set(`${keyId} ${kdf} ${scope}`, key)
    return key
  }

  /** The name under which a record is stored when names are hidden. */
  hide(key: SessionKey, name: string): string {
    const known = this.#names.get(`${key.serial} ${name}`)
    if (known !== undefined) return known
    const hash = createHmac('sha256', key.names).update(name).digest('hex')
    const hidden = `${hiddenPrefix}${key.keyId}/${hash}`
    this.#names.set(`${key.serial} ${name}`, hidden)
    return hidden
  }
}

function subkey(master: KeyObject, use: 'records' | 'names', scope: string): KeyObject {
  const info = `baileys-authkit sealed 1 ${use}\0${scope}`
  return createSecretKey(Buffer.from(hkdfSync('sha256', master, '', info, 32)))
}
