import {
  type BinaryNode,
  encodeBigEndian,
  getBinaryNodeChild,
  getBinaryNodeChildren,
  KEY_BUNDLE_TYPE,
  type proto,
} from '@whiskeysockets/baileys'
import { childBytes, node, uintOf } from './node.ts'

/** A pre-key that its owner signed with its identity key. */
export interface SignedPreKey {
  readonly id: number
  readonly publicKey: Uint8Array
  readonly signature: Uint8Array
}

/** The public keys that others need to start a Signal session with one device. */
export class KeyBundle {
  registrationId: number
  identityKey: Uint8Array
  signedPreKey: SignedPreKey
  readonly #oneTime: Map<number, Uint8Array> = new Map()

  constructor(registrationId: number, identityKey: Uint8Array, signedPreKey: SignedPreKey) {
    this.registrationId = registrationId
    this.identityKey = identityKey
    this.signedPreKey = signedPreKey
  }

  /** What a new device says of itself when it registers. */
  static fromRegistration(data: proto.ClientPayload.IDevicePairingRegistrationData): KeyBundle {
    const bytes = (value: Uint8Array | null | undefined): Uint8Array => value ?? new Uint8Array(0)
    return new KeyBundle(uintOf(bytes(data.eRegid)), bytes(data.eIdent), {
      id: uintOf(bytes(data.eSkeyId)),
      publicKey: bytes(data.eSkeyVal),
      signature: bytes(data.eSkeySig),
    })
  }

  /** How many one-time pre-keys are left. */
  get left(): number {
    return this.#oneTime.size
  }

  /** Takes an upload of keys; answers how many one-time pre-keys were in it. */
  upload(query: BinaryNode): number {
    this.registrationId = uintOf(childBytes(query, 'registration'))
    this.identityKey = childBytes(query, 'identity')
    this.rotate(query)
    const keys = getBinaryNodeChildren(getBinaryNodeChild(query, 'list'), 'key')
    for (const key of keys) this.#oneTime.set(uintOf(childBytes(key, 'id')), childBytes(key, 'value'))
    return keys.length
  }

  /** Replaces the signed pre-key. */
  rotate(parent: BinaryNode): void {
    const key = getBinaryNodeChild(parent, 'skey')
    this.signedPreKey = {
      id: uintOf(childBytes(key, 'id')),
      publicKey: childBytes(key, 'value'),
      signature: childBytes(key, 'signature'),
    }
  }

  /** The bundle for one who asked for it: it takes a one-time pre-key away, and goes without one when none is left. */
  handOut(): BinaryNode[] {
    const content = this.#common()
    const [next] = this.#oneTime
    if (next) {
      const [id, publicKey] = next
      this.#oneTime.delete(id)
      content.push(node('key', {}, [node('id', {}, encodeBigEndian(id, 3)), node('value', {}, publicKey)]))
    }
    return content
  }

  /** What the owner compares with its own keys. */
  digest(): BinaryNode[] {
    const ids = [...this.#oneTime.keys()].map(id => node('id', {}, encodeBigEndian(id, 3)))
    return [...this.#common(), node('list', {}, ids)]
  }

  #common(): BinaryNode[] {
    const { id, publicKey, signature } = this.signedPreKey
    return [
      node('registration', {}, encodeBigEndian(this.registrationId)),
      node('type', {}, KEY_BUNDLE_TYPE),
      node('identity', {}, this.identityKey),
      node('skey', {}, [
        node('id', {}, encodeBigEndian(id, 3)),
        node('value', {}, publicKey),
        node('signature', {}, signature),
      ]),
    ]
  }
}
