import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import type { ServerHandle } from './client.ts'
import type { ServerEnvironment } from './preload-environment.ts'
import type { ServerEvents } from './server.ts'
import type { RootCertificate } from './server-identity.ts'
import { within } from './within.ts'

/** A server in a process of its own, by the same names as `WhatsAppServer`. */
export class RemoteServer extends EventEmitter<ServerEvents> implements ServerHandle, AsyncDisposable {
  readonly url: string
  readonly root: RootCertificate
  /** What a bot that is started with `preload.ts` needs in its environment. */
  readonly environment: ServerEnvironment
  readonly #child: ChildProcessWithoutNullStreams
  readonly #answers: EventEmitter = new EventEmitter()
  #lastId = 0

  private constructor(child: ChildProcessWithoutNullStreams, { url, root, environment }: Listening) {
    super()
    this.#child = child
    this.url = url
    this.root = root
    this.environment = environment
  }

  /** Starts the compiled `main.js` that this path names; resolves when it listens. */
  static async start(main: string): Promise<RemoteServer> {
    const child = spawn(process.execPath, [main, '--port', '0'])
    child.stderr.pipe(process.stderr, { end: false })
    const lines = createInterface({ input: child.stdout })
    const gone = once(child, 'exit').then(([code]) => {
      throw new Error(`the server process ended with ${code}; is ${main} built?`)
    })
    const [first] = await within(Promise.race([once(lines, 'line'), gone]), 'the server to listen')
    gone.catch(() => {})
    const server = new RemoteServer(child, (JSON.parse(first) as { data: Listening }).data) // As main.ts prints it.
    lines.on('line', line => server.#receive(line))
    return server
  }

  /** The phone of this number scans a QR code; resolves with the linked device's address. */
  async scan(qr: string, number: string): Promise<string> {
    return String(await this.call('scan', qr, number))
  }

  /** Runs a command of `main.ts`; resolves with its result. */
  async call(command: string, ...args: readonly (string | number)[]): Promise<unknown> {
    this.#lastId += 1
    const id = this.#lastId
    const answered = once(this.#answers, String(id))
    this.#child.stdin.write(`${JSON.stringify({ id, command, arguments: args.map(String) })}\n`)
    const [{ result, error }] = await within(answered, `the server's answer to ${command}`, 15_000)
    if (error !== undefined) throw new Error(error)
    return result
  }

  /** Ends the server. */
  async stop(): Promise<void> {
    const gone = once(this.#child, 'exit')
    this.#child.stdin.end()
    await within(gone, 'the server to end')
  }

  /** The same as `stop()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #receive(line: string): void {
    const { id, event, ...rest } = JSON.parse(line) as Line // As main.ts prints it.
    if (id !== undefined) this.#answers.emit(String(id), rest)
    else if (event) (this as EventEmitter).emit(event, rest.data)
  }
}

interface Listening {
  readonly url: string
  readonly root: RootCertificate
  readonly environment: ServerEnvironment
}

interface Line {
  readonly id?: number
  readonly event?: string
  readonly data?: unknown
  readonly result?: unknown
  readonly error?: string
}
