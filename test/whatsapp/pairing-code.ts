import { randomBytes } from 'node:crypto'
import {
  aesDecryptCTR,
  aesDecryptGCM,
  aesEncryptCTR,
  type BinaryNode,
  Curve,
  derivePairingCodeKey,
  hkdf,
} from '@whiskeysockets/baileys'
import { childBytes, node } from './node.ts'
import type { Phone } from './phone.ts'

/** What a client sends when it asks for a pairing code: its ephemeral key, wrapped under the code. */
export interface OfferedCode {
  readonly jid: string
  readonly wrapped: Uint8Array
}

/** The phone's side of pairing by code. */
export class PairingCode {
  readonly #phone: Phone
  readonly #wrapped: Buffer
  readonly #shared: Buffer

  private constructor(phone: Phone, wrapped: Buffer, shared: Buffer) {
    this.#phone = phone
    this.#wrapped = wrapped
    this.#shared = shared
  }

  /** Types the code into the phone. A wrong code isn't noticed here, but when the client's answer can't be opened. */
  static async enter(code: string, offered: OfferedCode, phone: Phone): Promise<PairingCode> {
    const { salt, iv, sealed } = parts(offered.wrapped)
    const companion = aesDecryptCTR(sealed, await derivePairingCodeKey(code, salt), iv)
    const ephemeral = Curve.generateKeyPair()
    const ownSalt = randomBytes(32)
    const ownIv = randomBytes(16)
    const own = aesEncryptCTR(ephemeral.public, await derivePairingCodeKey(code, ownSalt), ownIv)
    const shared = Curve.sharedKey(ephemeral.private, companion)
    return new PairingCode(phone, Buffer.concat([ownSalt, ownIv, own]), shared)
  }

  /** What tells the client that the code was typed in. */
  hello(ref: string): BinaryNode {
    return node('link_code_companion_reg', { stage: 'primary_hello' }, [
      node('link_code_pairing_wrapped_primary_ephemeral_pub', {}, this.#wrapped),
      node('primary_identity_pub', {}, this.#phone.identityKey),
      node('link_code_pairing_ref', {}, Buffer.from(ref)),
    ])
  }

  /** Opens the client's answer; returns the secret that both sides now have for the signed identity. */
  finish(answer: BinaryNode): Uint8Array {
    const bundle = Buffer.from(childBytes(answer, 'link_code_pairing_wrapped_key_bundle'))
    const salt = bundle.subarray(0, 32)
    const info = 'link_code_pairing_key_bundle_encryption_key'
    const key = hkdf(this.#shared, 32, { salt, info })
    const payload = aesDecryptGCM(bundle.subarray(44), key, bundle.subarray(32, 44), Buffer.alloc(0))
    const identity = payload.subarray(0, 32)
    const random = payload.subarray(64)
    const secret = Buffer.concat([this.#shared, this.#phone.shareWith(identity), random])
    return hkdf(secret, 32, { info: 'adv_secret' })
  }
}

function parts(wrapped: Uint8Array): { salt: Buffer; iv: Buffer; sealed: Buffer } {
  const bytes = Buffer.from(wrapped)
  return { salt: bytes.subarray(0, 32), iv: bytes.subarray(32, 48), sealed: bytes.subarray(48) }
}
