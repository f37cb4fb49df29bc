import { randomFillSync } from 'node:crypto'

const nonceBytes = 12
/** Drawn at once, since the draw costs as much as the sealing; few, since they wait in memory. */
const drawn = 128

let pool = Buffer.alloc(0)
let next = 0

/** A random nonce of 96 bits that is given out once. */
export function nextNonce(): Buffer {
  if (next === pool.length) {
    // A new one, for whoever still holds a part of the old.
    pool = randomFillSync(Buffer.allocUnsafeSlow(nonceBytes * drawn))
    next = 0
  }
  next += nonceBytes
  return pool.subarray(next - nonceBytes, next)
}
