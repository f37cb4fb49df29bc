import { createCipheriv, createDecipheriv, createHmac, hkdfSync, scryptSync } from 'node:crypto'

/** A key as a test vector has it: 32 bytes in hex, or a passphrase. */
export type VectorKey = { readonly hex: string } | { readonly passphrase: string }

/** Sealing again, from the format's description alone: nothing of the implementation is used. */
export function sealAgain(part: {
  key: VectorKey
  keyId: string
  kdf: string
  scope: string
  storedName: string
  /** Of a record whose name is hidden. */
  name?: string
  text: string
  nonce: Buffer
}): string {
  const header = `sealed:1${part.name === undefined ? '' : 'n'}:${part.keyId}:${part.kdf}:`
  const plaintext = part.name === undefined ? part.text : `${part.name}\n${part.text}`
  const key = subkey(ringKey(part.key, part.kdf), 'records', part.scope)
  const cipher = createCipheriv('aes-256-gcm', key, part.nonce, { authTagLength: 16 })
  cipher.setAAD(Buffer.from(`${header}${part.scope}\0${part.storedName}`))
  const parts = [part.nonce, cipher.update(Buffer.from(plaintext)), cipher.final(), cipher.getAuthTag()]
  return header + Buffer.concat(parts).toString('base64')
}

/** What a sealed text holds, from the format's description alone. Throws where it was not sealed for this place. */
export function openAgain(sealed: string, key: VectorKey, scope: string, storedName: string): string {
  const [mark, version, , kdf = '', base64 = ''] = sealed.split(':')
  if (mark !== 'sealed' || (version !== '1' && version !== '1n')) throw new Error(`no sealed text: ${mark}`)
  const bytes = Buffer.from(base64, 'base64')
  const session = subkey(ringKey(key, kdf), 'records', scope)
  const decipher = createDecipheriv('aes-256-gcm', session, bytes.subarray(0, 12), { authTagLength: 16 })
  decipher.setAAD(Buffer.from(`${sealed.slice(0, sealed.lastIndexOf(':') + 1)}${scope}\0${storedName}`))
  decipher.setAuthTag(bytes.subarray(-16))
  return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('utf8')
}

/** A hidden name, from the format's description alone. */
export function hideAgain(name: string, key: VectorKey, keyId: string, kdf: string, scope: string): string {
  const hash = createHmac('sha256', subkey(ringKey(key, kdf), 'names', scope))
  return `hidden/${keyId}/${hash.update(name).digest('hex')}`
}

/** What `!seal` says of a key that hides names. */
export function checkAgain(key: VectorKey, kdf: string, scope: string): string {
  const hash = createHmac('sha256', subkey(ringKey(key, kdf), 'names', scope))
  return hash.update('\0!seal').digest('hex').slice(0, 32)
}

function ringKey(key: VectorKey, kdf: string): Buffer {
  if ('hex' in key) return Buffer.from(key.hex, 'hex')
  const [log2N, r, p, salt = ''] = kdf.split('.')
  return scryptSync(key.passphrase.normalize('NFC'), Buffer.from(salt, 'base64url'), 32, {
    N: 2 ** Number(log2N),
    r: Number(r),
    p: Number(p),
    maxmem: 2 ** 28,
  })
}

function subkey(key: Buffer, use: 'records' | 'names', scope: string): Buffer {
  return Buffer.from(
    hkdfSync('sha256', key, Buffer.alloc(0), `baileys-authkit sealed 1 ${use}\0${scope}`, 32),
  )
}
