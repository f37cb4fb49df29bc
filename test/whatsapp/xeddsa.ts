import { createPublicKey, verify } from 'node:crypto'

const P = 2n ** 255n - 19n

/**
 * Whether a Curve25519 key made this signature. Baileys 7.0.0-rc14 has a function of this purpose which is true for
 * every signature of the right length: it ignores what libsignal answers.
 */
export function isSignedBy(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false
  const plain = Buffer.from(signature)
  const sign = plain.readUInt8(63) & 0x80
  plain.writeUInt8(plain.readUInt8(63) & 0x7f, 63)
  const key = toEdwards(publicKey, sign)
  return verify(null, message, createPublicKey({ key, format: 'jwk' }), plain)
}

// The point of the Edwards curve that belongs to a Montgomery u: y = (u - 1) / (u + 1).
function toEdwards(publicKey: Uint8Array, sign: number): { kty: string; crv: string; x: string } {
  const u = BigInt(`0x${Buffer.from(publicKey).reverse().toString('hex')}`) % P
  const y = ((u - 1n + P) * power(u + 1n, P - 2n)) % P
  const bytes = Buffer.from(y.toString(16).padStart(64, '0'), 'hex').reverse()
  bytes.writeUInt8(bytes.readUInt8(31) | sign, 31)
  return { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') }
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  let square = base % P
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % P
    square = (square * square) % P
  }
  return result
}
