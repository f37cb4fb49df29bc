import {
  type BinaryNode,
  getBinaryNodeChild,
  getBinaryNodeChildren,
  type proto,
  S_WHATSAPP_NET,
} from '@whiskeysockets/baileys'
import { Directory } from './account.ts'
import type { Connection } from './connection.ts'
import type { Device } from './device.ts'
import { Groups } from './groups.ts'
import { answerKeys } from './key-queries.ts'
import { firstChild, node, timestamp } from './node.ts'
import { Pairing } from './pairing.ts'
import { answerQuery, edgeRouting } from './queries.ts'
import { Relay } from './relay.ts'
import { announceDevice, answerUsync } from './usync.ts'

/** What happens at the server, for those who watch it. */
export interface SwitchboardEvents {
  readonly login: (device: Device) => void
  readonly refused: (jid: string, reason: number) => void
  readonly live: (device: Device) => void
  readonly closed: (device: Device) => void
  readonly message: (sender: Device, stanza: BinaryNode, targets: readonly Device[]) => void
  readonly receipt: (sender: Device, stanza: BinaryNode) => void
  /** A device answered for something that waited. */
  readonly answered: (device: Device) => void
  readonly uploaded: (device: Device, count: number) => void
}

/** Who is connected as which device, and what becomes of each stanza. */
export class Switchboard {
  readonly directory: Directory = new Directory()
  readonly groups: Groups = new Groups()
  readonly pairing: Pairing = new Pairing(this.directory)
  /** Devices whose logins are answered with a failure, and its reason. */
  readonly refused: Map<string, number> = new Map()
  readonly #relay: Relay = new Relay(this.directory, this.groups)
  readonly #devices: Map<Connection, Device> = new Map()
  readonly #events: SwitchboardEvents
  #lastId = 0

  constructor(events: SwitchboardEvents) {
    this.#events = events
  }

  /** A client has proved its Noise key: it registers, or logs in. */
  established(connection: Connection, payload: proto.ClientPayload): void {
    if (payload.devicePairingData) {
      this.pairing.start(connection, payload.devicePairingData)
      return
    }
    const account = this.directory.account(`${payload.username}@s.whatsapp.net`)
    const device = account?.devices.get(payload.device ?? 0)
    const isOwner = device && Buffer.from(device.noiseKey).equals(connection.clientKey)
    const reason = isOwner ? this.refused.get(device.jid) : 401
    if (!isOwner || reason !== undefined) {
      const jid = device?.jid ?? `${payload.username}:${payload.device ?? 0}@s.whatsapp.net`
      connection.end(node('failure', { reason: String(reason), location: 'lla' }))
      this.#events.refused(jid, reason ?? 401)
      return
    }
    this.#login(connection, device, payload.passive === true)
  }

  /** A stanza came in. */
  receive(connection: Connection, stanza: BinaryNode): void {
    const device = this.#devices.get(connection)
    if (!device) this.pairing.receive(connection, stanza)
    else if (device.connection !== connection) return
    else if (stanza.tag === 'iq') this.#query(connection, device, stanza)
    else if (stanza.tag === 'message') this.#message(connection, device, stanza)
    else if (stanza.tag === 'receipt') this.#receipt(connection, device, stanza)
    else if (stanza.tag === 'ack') this.#acknowledged(device, stanza)
    else if (stanza.tag === 'call') connection.send(acknowledge(stanza))
    else if (getBinaryNodeChild(stanza, 'offline_batch') && !device.isLive) this.#goLive(device)
  }

  /** A client is gone. */
  closed(connection: Connection): void {
    this.pairing.forget(connection)
    const device = this.#devices.get(connection)
    this.#devices.delete(connection)
    if (!device) return
    if (device.connection === connection) detach(device)
    this.#events.closed(device)
  }

  /** A device was linked: those who know its user hear of it. */
  linked(device: Device): void {
    announceDevice(device, 'add', this.#nextId(), timestamp())
  }

  /** Unlinks a device; it can never log in again. */
  remove(device: Device): void {
    device.account.devices.delete(device.id)
    device.mailbox.clear()
    for (const other of this.directory.devices()) other.account.watchers.delete(device)
    announceDevice(device, 'remove', this.#nextId(), timestamp())
    const removed = node('conflict', { type: 'device_removed' })
    device.connection?.end(node('stream:error', { code: '401' }, [removed]))
    detach(device)
  }

  #login(connection: Connection, device: Device, isPassive: boolean): void {
    const { account } = device
    device.connection?.end(node('stream:error', {}, [node('conflict', { type: 'replaced' })]))
    device.connection = connection
    device.isLive = false
    device.isPassive = isPassive
    device.logins += 1
    this.#devices.set(connection, device)
    connection.send(
      node('success', { t: timestamp(), lid: device.address('lid'), display_name: account.name }),
    )
    connection.send(edgeRouting())
    this.#events.login(device)
  }

  #query(connection: Connection, device: Device, query: BinaryNode): void {
    const { type, xmlns } = query.attrs
    if (type !== 'get' && type !== 'set' && xmlns !== 'w:p') return
    if (xmlns === 'encrypt') {
      const events = { uploaded: this.#events.uploaded, nextId: () => this.#nextId() }
      connection.send(answerKeys(this.directory, device, query, events))
    } else if (xmlns === 'usync') connection.send(answerUsync(this.directory, device, query))
    else if (xmlns === 'w:g2') connection.send(this.groups.answer(device, query))
    else if (getBinaryNodeChild(query, 'remove-companion-device')) this.remove(device)
    else {
      if (getBinaryNodeChild(query, 'tokens')) this.#passTokens(device, query)
      connection.send(answerQuery(query))
      if (xmlns === 'passive' && firstChild(query)?.tag === 'active') this.#activate(device)
    }
  }

  // From here on the client takes messages. What waited comes first, in batches that the client asks for.
  #activate(device: Device): void {
    if (device.isLive) return
    const count = String(device.mailbox.waiting.length)
    const preview = node('offline_preview', { count, message: count })
    if (count === '0') this.#goLive(device)
    else device.connection?.send(node('ib', { from: S_WHATSAPP_NET }, [preview]))
  }

  #goLive(device: Device): void {
    device.deliverWaiting()
    this.#events.live(device)
    // Baileys 6.7, which does not log in passively, waits for a history at each login; 7 only until it has had one.
    if (!device.hasHistory || !device.isPassive) void this.#greet(device, device.connection)
  }

  async #greet(device: Device, connection: Connection | undefined): Promise<void> {
    for await (const stanza of device.account.phone.greet(device)) connection?.send(stanza)
  }

  #message(connection: Connection, sender: Device, stanza: BinaryNode): void {
    const targets = this.#relay.message(sender, stanza)
    connection.send(acknowledge(stanza))
    this.#events.message(sender, stanza, targets)
  }

  #acknowledged(device: Device, ack: BinaryNode): void {
    device.mailbox.ack(ack)
    this.#events.answered(device)
  }

  #receipt(connection: Connection, device: Device, receipt: BinaryNode): void {
    const { id = '', type } = receipt.attrs
    const more = getBinaryNodeChildren(getBinaryNodeChild(receipt, 'list'), 'item').map(
      item => item.attrs.id ?? '',
    )
    device.mailbox.receipt([id, ...more], type)
    if (type === 'hist_sync') device.hasHistory = true
    this.#relay.receipt(device, receipt)
    connection.send(acknowledge(receipt))
    this.#events.receipt(device, receipt)
    this.#events.answered(device)
  }

  // A user gives another one a token that lets it write to him: the other's devices keep it.
  #passTokens(device: Device, query: BinaryNode): void {
    const from = device.account.address('pn')
    const secret = Buffer.from(`token of ${device.account.number}`)
    for (const { attrs } of getBinaryNodeChildren(getBinaryNodeChild(query, 'tokens'), 'token')) {
      for (const target of this.directory.account(attrs.jid)?.devices.values() ?? []) {
        const token = node('token', { jid: target.jid, type: attrs.type, t: attrs.t }, secret)
        const notification = { id: this.#nextId(), from, type: 'privacy_token', t: timestamp() }
        target.deliver(node('notification', notification, [node('tokens', {}, [token])]))
      }
    }
  }

  #nextId(): string {
    this.#lastId += 1
    return `server-${this.#lastId}`
  }
}

function acknowledge(stanza: BinaryNode): BinaryNode {
  const { id, to, participant, type } = stanza.attrs
  return node('ack', { class: stanza.tag, id, from: to, participant, type, t: timestamp() })
}

function detach(device: Device): void {
  device.connection = undefined
  device.isLive = false
}
