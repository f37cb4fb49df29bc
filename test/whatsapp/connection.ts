import { setTimeout as delay } from 'node:timers/promises'
import { type BinaryNode, decodeBinaryNode, encodeBinaryNode, type proto } from '@whiskeysockets/baileys'
import type { WebSocket } from 'ws'
import { node } from './node.ts'
import { NoiseResponder } from './noise-responder.ts'
import type { ServerIdentity } from './server-identity.ts'

// Baileys 6.7 derives its transport keys only after its last handshake message is out, and takes a stanza that comes
// before for a part of the handshake. On the internet none does; on loopback it would.
const AFTER_HANDSHAKE_MS = 25

/** What one client's connection tells the server. */
export interface ConnectionHandlers {
  readonly established: (connection: Connection, payload: proto.ClientPayload) => void
  readonly stanza: (connection: Connection, stanza: BinaryNode) => void
  readonly closed: (connection: Connection, error: Error | undefined) => void
}

/** One client's WebSocket: stanzas in and out, encrypted, in order. */
export class Connection {
  /** Holds each stanza back for this long on its way to the client. @default 0 */
  delayMs = 0
  /** The client's static Noise key, by which it proves who it is; empty until the handshake is over. */
  clientKey: Uint8Array = new Uint8Array(0)
  readonly #socket: WebSocket
  readonly #noise: NoiseResponder
  readonly #waiting: BinaryNode[] = []
  readonly #timers: Set<NodeJS.Timeout> = new Set()
  #handled: Promise<void> = Promise.resolve()
  #error: Error | undefined
  #ended = false

  constructor(socket: WebSocket, identity: ServerIdentity, handlers: ConnectionHandlers) {
    this.#socket = socket
    this.#noise = new NoiseResponder(identity, {
      send: bytes => socket.send(bytes),
      established: (payload, clientKey) => {
        this.clientKey = clientKey
        this.#next(async () => {
          await delay(AFTER_HANDSHAKE_MS)
          if (!this.#ended) handlers.established(this, payload)
        })
      },
      frame: plain => {
        // Decoding is asynchronous, since a frame may be deflated; handling keeps the order of arrival.
        const decoded = decodeBinaryNode(plain)
        this.#next(async () => handlers.stanza(this, await decoded))
      },
    })
    socket.on('message', data => {
      try {
        this.#noise.receive(data as Buffer) // The default binaryType of ws is one Buffer.
      } catch (error) {
        this.#fail(error)
      }
    })
    socket.on('error', error => {
      this.#error ??= error
    })
    socket.on('close', () => {
      this.#stop()
      handlers.closed(this, this.#error)
    })
  }

  /** Sends a stanza, after those that wait already. Nothing happens on a connection that has ended. */
  send(stanza: BinaryNode): void {
    if (this.#ended) return
    if (this.delayMs === 0 && this.#waiting.length === 0) {
      this.#transmit(stanza)
      return
    }
    this.#waiting.push(stanza)
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      const next = this.#waiting.shift()
      if (next) this.#transmit(next)
    }, this.delayMs)
    this.#timers.add(timer)
  }

  /** Says why in a last stanza and closes; the client has a second to answer before it is cut off. */
  end(last: BinaryNode): void {
    if (this.#ended) return
    this.#transmit(last)
    this.#stop()
    this.#socket.close()
    setTimeout(() => this.#socket.terminate(), 1000).unref()
  }

  /** Ends the stream with a WhatsApp status code, which Baileys hands on as the error's statusCode. */
  endWithCode(code: number): void {
    this.end(node('stream:error', { code: String(code) }))
  }

  /** Cuts the TCP connection without a word. */
  cut(): void {
    this.#stop()
    this.#socket.terminate()
  }

  #next(task: () => Promise<void>): void {
    this.#handled = this.#handled.then(task).catch((error: unknown) => this.#fail(error))
  }

  #transmit(stanza: BinaryNode): void {
    this.#noise.send(encodeBinaryNode(stanza))
  }

  #fail(error: unknown): void {
    this.#error ??= error as Error // All that is thrown in here are errors, also those of another realm.
    this.cut()
  }

  #stop(): void {
    this.#ended = true
    for (const timer of this.#timers) clearTimeout(timer)
  }
}
