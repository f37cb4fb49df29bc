import { EventEmitter, once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { BinaryNode } from '@whiskeysockets/baileys'
import { WebSocketServer } from 'ws'
import type { Account } from './account.ts'
import { Connection } from './connection.ts'
import type { Addressing, Device } from './device.ts'
import { node } from './node.ts'
import { makeServerIdentity, type RootCertificate, type ServerIdentity } from './server-identity.ts'
import { Switchboard } from './switchboard.ts'
import { within } from './within.ts'

/** What a server tells of itself. Devices go by their address with the phone number: `15550001:1@s.whatsapp.net`. */
export interface ServerEvents {
  /** A device was linked. */
  paired: [{ readonly jid: string; readonly lid: string }]
  /** A device logged in, for the nth time. */
  login: [{ readonly jid: string; readonly count: number }]
  /** A login was refused with this failure reason. */
  refused: [{ readonly jid: string; readonly reason: number }]
  /** A device has been sent what waited for it, and gets stanzas as they come. */
  live: [{ readonly jid: string }]
  /** A device uploaded one-time pre-keys; `left` is how many it has at the server now. */
  keys: [{ readonly jid: string; readonly count: number; readonly left: number }]
  /** A message was taken, and is kept for each of `targets` until it answers. */
  message: [
    { readonly from: string; readonly to: string; readonly id: string; readonly targets: readonly string[] },
  ]
  /** A message as its sender's socket sent it: what is in it is encrypted. */
  stanza: [{ readonly from: string; readonly stanza: BinaryNode }]
  /** A device sent a receipt; no type means that the message was delivered. */
  receipt: [
    { readonly from: string; readonly to: string; readonly id: string; readonly type: string | undefined },
  ]
  /** A device answered for something that waited for it; `waiting` messages are left. */
  answered: [{ readonly jid: string; readonly waiting: number }]
  /** The connection of a device has ended. */
  close: [{ readonly jid: string }]
}

/** How a server is started. */
export interface ServerOptions {
  /** The port on 127.0.0.1. @default 0, a free one */
  readonly port?: number
}

/**
 * A WhatsApp server on the loopback interface that real Baileys sockets connect to. It keeps devices, keys and
 * undelivered messages in memory, for as long as it runs.
 *
 * @example
 * const server = await WhatsAppServer.start()
 * trust(baileys, server)
 * const sock = makeWASocket({ auth, waWebSocketUrl: server.url })
 * sock.ev.on('connection.update', ({ qr }) => qr && server.scan(qr, '15550001'))
 */
export class WhatsAppServer extends EventEmitter<ServerEvents> implements AsyncDisposable {
  /** What clients have to trust. */
  readonly root: RootCertificate
  /** Pairings and logins that succeeded, and logins that were refused. */
  readonly counts: { pairings: number; logins: number; refusals: number } = {
    pairings: 0,
    logins: 0,
    refusals: 0,
  }
  readonly #identity: ServerIdentity = makeServerIdentity()
  readonly #listener: WebSocketServer
  readonly #connections: Set<Connection> = new Set()
  readonly #switchboard: Switchboard
  #delayMs = 0

  private constructor(listener: WebSocketServer) {
    super()
    this.root = this.#identity.root
    this.#listener = listener
    this.#switchboard = this.#makeSwitchboard()
    listener.on('connection', socket => {
      const connection = new Connection(socket, this.#identity, {
        established: (from, payload) => this.#switchboard.established(from, payload),
        stanza: (from, stanza) => this.#switchboard.receive(from, stanza),
        closed: from => {
          this.#connections.delete(from)
          this.#switchboard.closed(from)
        },
      })
      connection.delayMs = this.#delayMs
      this.#connections.add(connection)
    })
  }

  /** Starts a server; resolves when it listens. */
  static async start(options: ServerOptions = {}): Promise<WhatsAppServer> {
    const listener = new WebSocketServer({ host: '127.0.0.1', port: options.port ?? 0 })
    await once(listener, 'listening')
    return new WhatsAppServer(listener)
  }

  /** What goes into `waWebSocketUrl`. */
  get url(): string {
    const { port } = this.#listener.address() as AddressInfo // It listens on TCP, never on a pipe.
    return `ws://127.0.0.1:${port}/ws/chat`
  }

  /** The phone of this number scans a QR code; resolves with the linked device's address. */
  async scan(qr: string, number: string): Promise<string> {
    return this.#linked(await this.#switchboard.pairing.scan(qr, number))
  }

  /** The code that a client got from `requestPairingCode` is typed into the phone of this number. */
  async enterCode(code: string, number: string): Promise<string> {
    return this.#linked(await this.#switchboard.pairing.enterCode(code, number))
  }

  /**
   * Makes a group of users, by any of their addresses or numbers; returns its address. Baileys 6.7 keeps no track of
   * hidden numbers: in a group that goes by them it can't use the session of an earlier chat, and asks again for the
   * first message, after 5 s.
   *
   * @default addressing 'pn'
   */
  createGroup(
    members: readonly string[],
    options: { subject?: string; addressing?: Addressing } = {},
  ): string {
    const { directory, groups } = this.#switchboard
    return groups.create(
      members.map(member => directory.account(member) ?? directory.open(member)),
      options,
    ).jid
  }

  /** Ends a device's stream with a code, which Baileys reports as `lastDisconnect.error.output.statusCode`. */
  close(jid: string, code: number): void {
    this.#online(jid).endWithCode(code)
  }

  /** Ends a device's stream with a `failure` of this reason, as WhatsApp does with those that it bans. */
  fail(jid: string, reason: number): void {
    this.#online(jid).end(node('failure', { reason: String(reason) }))
  }

  /** Answers the logins of a device with a `failure` of this reason from now on, or lets it in again. */
  refuse(jid: string, reason: number | undefined): void {
    const device = this.#device(jid)
    if (reason === undefined) this.#switchboard.refused.delete(device.jid)
    else this.#switchboard.refused.set(device.jid, reason)
  }

  /** Cuts a device's TCP connection without a word. */
  drop(jid: string): void {
    this.#online(jid).cut()
  }

  /** Unlinks a device as its owner does on the phone: 401, and no login ever again. */
  logOut(jid: string): void {
    this.#switchboard.remove(this.#device(jid))
  }

  /** Holds back everything that goes to clients for so long from now on. */
  delay(ms: number): void {
    this.#delayMs = ms
    for (const connection of this.#connections) connection.delayMs = ms
  }

  /** The keys of a device, as one who asks for them gets them: a one-time pre-key is taken away. */
  takeKeys(jid: string): BinaryNode[] {
    return this.#device(jid).bundle.handOut()
  }

  /** Delivers a stanza that no socket of this server sent, now or at the device's next login. */
  deliver(jid: string, stanza: BinaryNode): void {
    this.#device(jid).deliver(stanza)
  }

  /** A user, by the number or an address; a number that is new gets an account. */
  user(of: string): Account {
    const { directory } = this.#switchboard
    return directory.account(of) ?? directory.open(of)
  }

  /** The devices that are logged in. */
  online(): string[] {
    return [...this.#switchboard.directory.devices()]
      .filter(device => device.connection)
      .map(device => device.jid)
  }

  /** How many one-time pre-keys of a device are left. */
  preKeysLeft(jid: string): number {
    return this.#device(jid).bundle.left
  }

  /** The ids of the messages that wait for an answer of a device, oldest first. */
  waiting(jid: string): string[] {
    const messages = this.#device(jid).mailbox.waiting.filter(stanza => stanza.tag === 'message')
    return messages.map(stanza => stanza.attrs.id ?? '')
  }

  /** Resolves when a device has answered for all messages that wait for it. */
  async untilAnswered(jid: string, timeoutMs?: number): Promise<void> {
    let listener = (): void => {}
    const answered = new Promise<void>(resolve => {
      listener = () => {
        if (this.waiting(jid).length === 0) resolve()
      }
      this.on('answered', listener)
      listener()
    })
    await within(answered, `${jid} to answer`, timeoutMs).finally(() => this.off('answered', listener))
  }

  /** Cuts all connections and stops listening. */
  async stop(): Promise<void> {
    for (const connection of this.#connections) connection.cut()
    await new Promise(resolve => this.#listener.close(resolve))
  }

  /** The same as `stop()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #makeSwitchboard(): Switchboard {
    return new Switchboard({
      login: device => {
        this.counts.logins += 1
        this.emit('login', { jid: device.jid, count: device.logins })
      },
      refused: (jid, reason) => {
        this.counts.refusals += 1
        this.emit('refused', { jid, reason })
      },
      live: ({ jid }) => this.emit('live', { jid }),
      closed: ({ jid }) => this.emit('close', { jid }),
      answered: ({ jid }) => this.emit('answered', { jid, waiting: this.waiting(jid).length }),
      uploaded: ({ jid, bundle }, count) => this.emit('keys', { jid, count, left: bundle.left }),
      message: (sender, stanza, targets) => {
        const { to = '', id = '' } = stanza.attrs
        this.emit('stanza', { from: sender.jid, stanza })
        this.emit('message', { from: sender.jid, to, id, targets: targets.map(target => target.jid) })
      },
      receipt: (sender, { attrs: { to = '', id = '', type } }) => {
        this.emit('receipt', { from: sender.jid, to, id, type })
      },
    })
  }

  #linked(device: Device): string {
    this.counts.pairings += 1
    this.#switchboard.linked(device)
    this.emit('paired', { jid: device.jid, lid: device.address('lid') })
    return device.jid
  }

  #device(jid: string): Device {
    const device = this.#switchboard.directory.device(jid)
    if (!device) throw new Error(`no linked device ${jid}`)
    return device
  }

  #online(jid: string): Connection {
    const { connection } = this.#device(jid)
    if (!connection) throw new Error(`${jid} is not online`)
    return connection
  }
}
