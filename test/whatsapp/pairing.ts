import { randomBytes } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { type BinaryNode, getBinaryNodeChild, type proto, S_WHATSAPP_NET } from '@whiskeysockets/baileys'
import type { Account, Directory } from './account.ts'
import type { Connection } from './connection.ts'
import type { Device } from './device.ts'
import { KeyBundle } from './key-bundle.ts'
import { childBytes, node, resultOf, timestamp } from './node.ts'
import { type OfferedCode, PairingCode } from './pairing-code.ts'
import { readQr } from './phone.ts'
import { within } from './within.ts'

/** How many QR codes a client may show, one after another, before it has to start over. */
const REFS = 6

/** Links new devices: by a scanned QR code, or by a code typed into the phone. */
export class Pairing {
  readonly #directory: Directory
  readonly #candidates: Map<Connection, Candidate> = new Map()
  readonly #offers: EventEmitter = new EventEmitter()

  constructor(directory: Directory) {
    this.#directory = directory
  }

  /** Offers QR codes to a client that registers. */
  start(connection: Connection, registration: proto.ClientPayload.IDevicePairingRegistrationData): void {
    const refs = Array.from({ length: REFS }, () => `2@${randomBytes(48).toString('base64')}`)
    this.#candidates.set(connection, { connection, refs, bundle: KeyBundle.fromRegistration(registration) })
    const parts = refs.map(ref => node('ref', {}, Buffer.from(ref)))
    const attrs = { from: S_WHATSAPP_NET, type: 'set', id: messageId(), t: timestamp() }
    connection.send(node('iq', attrs, [node('pair-device', {}, parts)]))
  }

  /** The phone of the number scans a QR code; resolves with the device once the client has confirmed. */
  async scan(qr: string, number: string): Promise<Device> {
    const code = readQr(qr)
    const candidate = [...this.#candidates.values()].find(each => each.refs.includes(code.ref))
    if (!candidate) throw new Error('the QR code is unknown or has expired')
    if (!code.noiseKey.equals(candidate.connection.clientKey))
      throw new Error('the QR code has another Noise key')
    if (!code.identityKey.equals(candidate.bundle.identityKey))
      throw new Error('the QR code has another identity key')
    return this.#link(candidate, this.#directory.open(number), code.advSecret)
  }

  /** The user types the code that a client shows into the phone; resolves with the device once it is linked. */
  async enterCode(text: string, number: string): Promise<Device> {
    const account = this.#directory.open(number)
    const candidate = await this.#askedForCode(account.address('pn'))
    const finish = new Promise<BinaryNode>((resolve, reject) => {
      candidate.finish = { resolve, reject }
    })
    const code = await PairingCode.enter(text, candidate.offered, account.phone)
    const [ref] = candidate.refs
    const attrs = { from: S_WHATSAPP_NET, type: 'link_code_companion_reg', id: messageId(), t: timestamp() }
    candidate.connection.send(node('notification', attrs, [code.hello(ref ?? '')]))
    const advSecret = code.finish(await within(finish, 'the code to be confirmed'))
    return this.#link(candidate, account, advSecret)
  }

  /** Takes a stanza of a client that isn't logged in. */
  receive(connection: Connection, stanza: BinaryNode): void {
    const candidate = this.#candidates.get(connection)
    if (!candidate) return
    const signed = getBinaryNodeChild(stanza, 'pair-device-sign')
    if (signed) candidate.signed?.resolve(childBytes(signed, 'device-identity'))
    const code = getBinaryNodeChild(stanza, 'link_code_companion_reg')
    if (!code) return
    connection.send(resultOf(stanza, [node('link_code_companion_reg')]))
    if (code.attrs.stage === 'companion_hello') {
      const wrapped = childBytes(code, 'link_code_pairing_wrapped_companion_ephemeral_pub')
      candidate.offered = { jid: code.attrs.jid ?? '', wrapped }
      this.#offers.emit('offer')
    } else candidate.finish?.resolve(code)
  }

  /** Forgets a client that went away. */
  forget(connection: Connection): void {
    const candidate = this.#candidates.get(connection)
    this.#candidates.delete(connection)
    const error = new Error('the client went away before it was linked')
    candidate?.signed?.reject(error)
    candidate?.finish?.reject(error)
  }

  // The client's request may still be on its way: Baileys doesn't wait for the answer.
  async #askedForCode(jid: string): Promise<Candidate & { readonly offered: OfferedCode }> {
    for (;;) {
      const candidate = [...this.#candidates.values()].findLast(each => each.offered?.jid === jid)
      if (candidate?.offered) return Object.assign(candidate, { offered: candidate.offered })
      await within(once(this.#offers, 'offer'), `a client to ask for a pairing code for ${jid}`)
    }
  }

  async #link(candidate: Candidate, account: Account, advSecret: Uint8Array): Promise<Device> {
    const { connection, bundle } = candidate
    const id = account.reserveDevice()
    const { sealed, details } = account.phone.vouch(bundle.identityKey, id, advSecret)
    const signed = new Promise<Uint8Array>((resolve, reject) => {
      candidate.signed = { resolve, reject }
    })
    const attrs = { from: S_WHATSAPP_NET, type: 'set', id: messageId(), t: timestamp() }
    const success = node('pair-success', {}, [
      node('device-identity', {}, sealed),
      node('device', { jid: account.address('pn', id), lid: account.address('lid', id) }),
      node('platform', { name: 'android' }),
    ])
    connection.send(node('iq', attrs, [success]))
    const answer = await within(signed, 'the client to confirm')
    if (!account.phone.confirms(answer, bundle.identityKey, details))
      throw new Error('the device signature is wrong')
    this.#candidates.delete(connection)
    const device = account.link(id, connection.clientKey, bundle)
    // WhatsApp makes the client start over, now as this device.
    connection.endWithCode(515)
    return device
  }
}

interface Candidate {
  readonly connection: Connection
  readonly refs: readonly string[]
  readonly bundle: KeyBundle
  offered?: OfferedCode
  signed?: Deferred<Uint8Array>
  finish?: Deferred<BinaryNode>
}

interface Deferred<T> {
  readonly resolve: (value: T) => void
  readonly reject: (error: Error) => void
}

function messageId(): string {
  return randomBytes(8).toString('hex')
}
