import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'
import { sealedMark } from '../../sealed-marks.ts'
import { keyIdPattern } from './key-ring.ts'
import { nextNonce } from './nonces.ts'
import { kdfPattern } from './passphrase.ts'

/**
 * The format of a sealed record, version 1. It is what every later version reads.
 *
 *     sealed:1:<key id>:<kdf>:<base64>          under the record's own name; seals its text
 *     sealed:1n:<key id>:<kdf>:<base64>         under a hidden name; seals its name, "\n", and its text
 *
 * - `<key id>`: which key of the ring, `[A-Za-z][A-Za-z0-9_-]{0,31}`.
 * - `<kdf>`: how the ring's key is made of what the caller gave. Empty: it is those 32 bytes. Otherwise
 *   `<log2 N>.<r>.<p>.<salt>`, in decimal, the salt 16 bytes in base64url without padding: scrypt of the passphrase
 *   (NFC, UTF-8) with these, 32 bytes long.
 * - `<base64>` (the common alphabet, padded): nonce (12 bytes), ciphertext, tag (16 bytes) of AES-256-GCM.
 * - The key of a session's records is HKDF-SHA256 of the ring's key, with no salt and the info
 *   `baileys-authkit sealed 1 records` NUL `<scope>`, 32 bytes long.
 * - The additional data is `<all of the text up to its last colon, that colon too><scope>` NUL `<stored name>`: a
 *   record opens only where it was put, and with the header that it was given. Scopes and names hold no NUL, and a
 *   header's colons are always four.
 * - A hidden name is `hidden/<key id>/<HMAC-SHA256 of the name, in lower-case hex>`, its key HKDF as above with the
 *   info `baileys-authkit sealed 1 names` NUL `<scope>`. A hidden record's key id and kdf are those of its name.
 * - Exactly one text is right for given bytes: base64 that another encoder would not write is refused.
 *
 * Nonces are random, a fresh one for each text. NIST SP 800-38D allows 2^32 such texts under one key (then the odds
 * that any two have met are 2^-32). Each session has keys of its own, so that a bot which writes 100 records every
 * second, day and night, comes there after 1.3 years, and one that writes 5 a second after 27; putting a new key
 * first in the ring begins anew.
 */
export interface SealedHeader {
  /** The text up to its last colon, that colon too. */
  readonly text: string
  readonly keyId: string
  readonly kdf: string
  /** Whether the record's name is sealed with its text. */
  readonly isNamed: boolean
}

const headerShape = new RegExp(`^${sealedMark}1(n?):(${keyIdPattern}):((?:${kdfPattern})?):`)
const tagBytes = 16
const nonceBytes = 12
const algorithm = 'aes-256-gcm'

/** The header of what is sealed with a key. */
export function headerOf(keyId: string, kdf: string, isNamed: boolean): SealedHeader {
  return { text: `${sealedMark}1${isNamed ? 'n' : ''}:${keyId}:${kdf}:`, keyId, kdf, isNamed }
}

/** The header of a sealed text; `undefined` where it is damaged. */
export function parseHeader(sealed: string): SealedHeader | undefined {
  const found = headerShape.exec(sealed)
  if (!found) return undefined
  const [text, named, keyId = '', kdf = ''] = found
  return { text, keyId, kdf, isNamed: named === 'n' }
}

/** Seals a text for one place. */
export function sealText(
  header: SealedHeader,
  key: KeyObject,
  scope: string,
  storedName: string,
  text: string,
): string {
  const nonce = nextNonce()
  const cipher = createCipheriv(algorithm, key, nonce)
  cipher.setAAD(additionalData(header, scope, storedName))
  const body = cipher.update(text, 'utf8')
  cipher.final()
  return header.text + Buffer.concat([nonce, body, cipher.getAuthTag()]).toString('base64')
}

/** The text that was sealed for this place; `undefined` for another key, another place, or a changed text. */
export function openText(
  header: SealedHeader,
  key: KeyObject,
  scope: string,
  storedName: string,
  sealed: string,
): string | undefined {
  const encoded = sealed.slice(header.text.length)
  const bytes = Buffer.from(encoded, 'base64')
  // Node's decoder passes over what is no base64, and over spare bits.
  if (bytes.length < nonceBytes + tagBytes || bytes.toString('base64') !== encoded) return undefined
  const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceBytes))
  decipher.setAAD(additionalData(header, scope, storedName))
  decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes))
  const text = decipher.update(bytes.subarray(nonceBytes, bytes.length - tagBytes))
  try {
    decipher.final()
  } catch {
    return undefined
  }
  return text.toString('utf8')
}

/** How long a text of so many bytes becomes when it is sealed. */
export function sealedBytes(header: SealedHeader, textBytes: number): number {
  return header.text.length + 4 * Math.ceil((nonceBytes + textBytes + tagBytes) / 3)
}

function additionalData(header: SealedHeader, scope: string, storedName: string): Buffer {
  return Buffer.from(`${header.text}${scope}\0${storedName}`, 'latin1')
}
