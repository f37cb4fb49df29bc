import { connect, type Socket } from 'node:net'
import { Lane } from './lane.ts'

/** Where a server listens. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** Is told what a connection does, and says how late bytes are. */
export interface ConnectionWatch {
  delayMs(): number
  /** Bytes came from the client. True when it has dealt with them. */
  onRequest(connection: ProxiedConnection, bytes: Buffer, isTurn: boolean): boolean
  onAnswer(bytes: Buffer): void
  onClosed(connection: ProxiedConnection): unknown
}

/** A client's connection, and the one that was made to the server for it. */
export class ProxiedConnection {
  readonly toServer: Lane
  readonly toClient: Lane
  readonly #client: Socket
  readonly #server: Socket
  readonly #watch: ConnectionWatch
  /** The server has said something since the client last did, or neither has. */
  #isClientsTurn = true
  /** How many bytes of the client's may still pass before the connection is cut. */
  #bytesLeft = Number.POSITIVE_INFINITY
  #onCut: (() => void) | undefined
  #isCutAtAnswer = false
  #onAnswered: (() => void) | undefined

  constructor(client: Socket, target: Address, watch: ConnectionWatch) {
    const server = connect(target.port, target.host)
    this.#client = client
    this.#server = server
    this.#watch = watch
    this.toServer = new Lane(server)
    this.toClient = new Lane(client)
    for (const socket of [client, server]) socket.setNoDelay(true).on('error', () => {})
    client.on('data', bytes => this.#request(bytes))
    server.on('data', bytes => this.#answer(bytes))
    client.on('close', () => {
      this.toServer.end()
      this.#closed()
    })
    server.on('close', hasFailed => {
      if (hasFailed) client.resetAndDestroy()
      else this.toClient.end()
      this.#onAnswered?.()
      this.#closed()
    })
  }

  /** Hands bytes of the client's on, as far as they may pass. */
  forward(bytes: Buffer): void {
    const passing = bytes.subarray(0, this.#bytesLeft)
    this.#bytesLeft -= passing.length
    if (passing.length > 0) this.toServer.push(passing, this.#watch.delayMs())
    if (this.#bytesLeft === 0) this.cut()
  }

  /** Lets so many bytes of the client's pass, and cuts then. `onCut` is called first. */
  cutWithin(bytes: number, onCut: () => void): void {
    this.#bytesLeft = bytes
    this.#onCut = onCut
  }

  /** Cuts when the server answers, and keeps the answer. `onCut` is called first. */
  cutAtAnswer(onCut: () => void): void {
    this.#isCutAtAnswer = true
    this.#onCut = onCut
  }

  /** Cuts it; what is held back of the client's stays, and may be delivered yet. */
  cut(): void {
    this.#onCut?.()
    this.#onCut = undefined
    this.#client.resetAndDestroy()
    if (!this.toServer.isHeld) this.#server.destroy()
  }

  /** Delivers what is held, though its client may be gone; resolves when the server has answered, or closed. */
  async deliver(): Promise<void> {
    const answered = new Promise<void>(resolve => {
      this.#onAnswered = resolve
    })
    // A request of which only a part may pass has no answer.
    if (this.toServer.release() && this.#bytesLeft > 0 && !this.#server.destroyed) await answered
    // Not before: a server that sees the end may leave undone what it has not begun.
    if (this.#client.destroyed) this.#server.end()
  }

  /** Ends both sides, and drops what is held. */
  destroy(): void {
    this.#client.destroy()
    this.#server.destroy()
  }

  #request(bytes: Buffer): void {
    const isTurn = this.#isClientsTurn
    this.#isClientsTurn = false
    if (!this.#watch.onRequest(this, bytes, isTurn)) this.forward(bytes)
  }

  #answer(bytes: Buffer): void {
    this.#isClientsTurn = true
    this.#watch.onAnswer(bytes)
    this.#onAnswered?.()
    if (this.#isCutAtAnswer) this.cut()
    else this.toClient.push(bytes, this.#watch.delayMs())
  }

  #closed(): void {
    if (this.#client.destroyed && this.#server.destroyed) this.#watch.onClosed(this)
  }
}
