import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Address } from './proxied-connection.ts'

/** A server that answers each text with `echo <text>`, after it has kept it. */
export interface EchoServer extends AsyncDisposable {
  readonly address: Address
  /** All texts that have arrived, in order, joined. */
  heard(): string
}

/** Starts one on a free port of the loopback interface. */
export async function startEchoServer(): Promise<EchoServer> {
  let heard = ''
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.setEncoding('utf8').on('error', () => {})
    socket.on('data', text => {
      heard += text
      socket.write(`echo ${text}`)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // It was told to listen on a port, so its address is no path of a pipe.
  const { port } = server.address() as AddressInfo
  return {
    address: { host: '127.0.0.1', port },
    heard: () => heard,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** A client's connection that keeps what it hears. */
export class EchoClient {
  readonly #socket: Socket
  /** How the connection ended: an error's code, or `end`. */
  readonly ended: Promise<string>
  heard = ''

  private constructor(socket: Socket) {
    this.#socket = socket
    this.ended = new Promise(resolve => {
      socket.on('error', error => resolve('code' in error ? String(error.code) : error.message))
      socket.on('close', () => resolve('end'))
    })
    socket.setEncoding('utf8').on('data', text => {
      this.heard += text
    })
  }

  /** Connects. */
  static async to(port: number): Promise<EchoClient> {
    const socket = connect(port, '127.0.0.1')
    const client = new EchoClient(socket)
    await once(socket, 'connect')
    return client
  }

  send(text: string): void {
    this.#socket.write(text)
  }

  /** Sends, and resolves with the next that is heard. */
  async ask(text: string): Promise<string> {
    this.send(text)
    const [answer] = await once(this.#socket, 'data')
    return String(answer)
  }

  close(): void {
    this.#socket.destroy()
  }
}
