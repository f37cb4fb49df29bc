import { randomBytes } from 'node:crypto'
import type { AuthenticationCreds } from '../../src/auth-types.ts'
import type { BaileysModule } from '../../src/baileys.ts'

/**
 * Baileys, but that only the first identity is its own: the others have that one's form and random bytes. An identity
 * takes Baileys 50 ms, and the suite makes hundreds that never see a socket.
 */
export function quickBaileys(baileys: BaileysModule): BaileysModule {
  let first: AuthenticationCreds | undefined
  return {
    proto: baileys.proto,
    initAuthCreds() {
      first ??= baileys.initAuthCreds()
      // Of the first one's form, so of its type.
      return otherBytes(first) as AuthenticationCreds
    },
  }
}

function otherBytes(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return randomBytes(value.byteLength)
  if (Array.isArray(value)) return value.map(otherBytes)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, otherBytes(part)]))
}
