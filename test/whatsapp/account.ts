import { jidDecode } from '@whiskeysockets/baileys'
import { type Addressing, addressOf, Device } from './device.ts'
import type { KeyBundle } from './key-bundle.ts'
import { Phone } from './phone.ts'

/** One WhatsApp user: a number, the hidden number beside it, a phone, and linked devices. */
export class Account {
  readonly number: string
  readonly lid: string
  readonly name: string
  readonly phone: Phone
  readonly devices: Map<number, Device> = new Map()
  /** Devices that asked for this account's devices, and hear of changes. */
  readonly watchers: Set<Device> = new Set()
  /** Whether the hidden number is told to those who ask for it: of some users WhatsApp does not tell it. */
  tellsLid = true
  #nextDevice = 1

  constructor(number: string, lid: string) {
    this.number = number
    this.lid = lid
    this.name = `User ${number}`
    this.phone = new Phone(this)
  }

  /** The address of the user, or of one of its devices. */
  address(by: Addressing, device?: number): string {
    return addressOf(by === 'lid' ? this.lid : this.number, by, device)
  }

  /** The number that the next device will get; it is never used again, also when linking fails. */
  reserveDevice(): number {
    return this.#nextDevice++
  }

  /** Links a device under a reserved number. */
  link(id: number, noiseKey: Uint8Array, bundle: KeyBundle): Device {
    const device = new Device(this, id, noiseKey, bundle)
    this.devices.set(id, device)
    return device
  }
}

/** All users that the server knows. */
export class Directory {
  readonly #byUser: Map<string, Account> = new Map()

  /** The account of a number; it is opened when it is new. Anything but digits in the number is left out. */
  open(number: string): Account {
    const digits = number.split('@')[0]?.split(':')[0]?.replace(/\D/g, '') ?? ''
    if (!digits) throw new Error(`no phone number in "${number}"`)
    const known = this.#byUser.get(digits)
    if (known) return known
    const account = new Account(digits, `9${digits}0`)
    this.#byUser.set(account.number, account)
    this.#byUser.set(account.lid, account)
    return account
  }

  /** The account behind an address of either kind. */
  account(jid: string | undefined): Account | undefined {
    return this.#byUser.get(jidDecode(jid)?.user ?? '')
  }

  /** The linked device behind an address of either kind; a phone is none. */
  device(jid: string | undefined): Device | undefined {
    return this.account(jid)?.devices.get(jidDecode(jid)?.device ?? 0)
  }

  /** All linked devices. */
  *devices(): Generator<Device> {
    for (const account of new Set(this.#byUser.values())) yield* account.devices.values()
  }
}
