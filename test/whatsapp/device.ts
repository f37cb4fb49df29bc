import { type BinaryNode, jidEncode } from '@whiskeysockets/baileys'
import type { Account } from './account.ts'
import type { Connection } from './connection.ts'
import type { KeyBundle } from './key-bundle.ts'
import { Mailbox } from './mailbox.ts'
import { node } from './node.ts'

/** How an account is addressed: by its phone number, or by the number that hides it. */
export type Addressing = 'pn' | 'lid'

/** One linked device of an account. It outlives its connections. */
export class Device {
  readonly account: Account
  readonly id: number
  readonly noiseKey: Uint8Array
  readonly bundle: KeyBundle
  readonly mailbox: Mailbox = new Mailbox()
  /** The connection that is logged in as this device. */
  connection: Connection | undefined
  /** The connection takes stanzas as they come: it is past login, and has got what waited. */
  isLive = false
  /** The phone's first history has been taken. */
  hasHistory = false
  /** It logged in passively: it takes nothing before it says so. */
  isPassive = false
  /** How many times this device has logged in. */
  logins = 0

  constructor(account: Account, id: number, noiseKey: Uint8Array, bundle: KeyBundle) {
    this.account = account
    this.id = id
    this.noiseKey = noiseKey
    this.bundle = bundle
  }

  /** The device's address by phone number, by which the server's callers know it. */
  get jid(): string {
    return this.address('pn')
  }

  /** The device's address. */
  address(by: Addressing): string {
    return this.account.address(by, this.id)
  }

  /** Hands a stanza to the device: now if it is there, and until it has answered for it in any case. */
  deliver(stanza: BinaryNode): void {
    this.mailbox.add(stanza)
    if (this.isLive) this.connection?.send(stanza)
  }

  /** Sends what waited, marked as such, and the count that ends it. */
  deliverWaiting(): void {
    const waiting = this.mailbox.waiting
    for (const stanza of waiting) {
      this.connection?.send({ ...stanza, attrs: { ...stanza.attrs, offline: '1' } })
    }
    this.isLive = true
    this.connection?.send(node('ib', {}, [node('offline', { count: String(waiting.length) })]))
  }
}

/** An address of a device of a user, or of the user, when the device is 0 or left out. */
export function addressOf(user: string, by: Addressing, device?: number): string {
  return jidEncode(user, by === 'lid' ? 'lid' : 's.whatsapp.net', device)
}
