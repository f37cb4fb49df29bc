import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serverKind, serverKinds } from './kinds.ts'
import type { Server, ServerName } from './server.ts'
import { startServer } from './start-server.ts'

/** A server that all may use, and that nobody may kill. */
export interface SharedServer {
  readonly url: string
  /** What it is, with its version: `PostgreSQL 15.18`. */
  readonly title: string
}

/**
 * Starts the servers that are asked for, each once, and ends them all. One whose URL the environment has is used as it
 * is. Others ask it over HTTP: `GET /postgres` answers with a {@link SharedServer}, or with an error as text.
 */
export class Keeper implements AsyncDisposable {
  readonly #started: Map<ServerName, Promise<SharedServer>> = new Map()
  readonly #own: Server[] = []
  readonly #http = createServer(async ({ url = '' }, response) => {
    // A connection that is kept alive may be closing at the very moment in which it is used again.
    response.setHeader('connection', 'close')
    try {
      const name = serverKinds.find(kind => `/${kind.name}` === url)?.name
      if (!name) throw new TypeError(`There is no server ${url}.`)
      response.end(JSON.stringify(await this.get(name)))
    } catch (error) {
      response.writeHead(500).end(error instanceof Error ? error.message : String(error))
    }
  })

  /** Begins to listen; resolves with its address. */
  async listen(): Promise<string> {
    await new Promise<void>(resolve => this.#http.listen(0, '127.0.0.1', resolve))
    // It was told to listen on a port, so its address is no path of a pipe.
    const { port } = this.#http.address() as AddressInfo
    return `http://127.0.0.1:${port}`
  }

  get(name: ServerName): Promise<SharedServer> {
    const known = this.#started.get(name)
    if (known) return known
    const started = this.#start(name)
    this.#started.set(name, started)
    // One that did not start may start for the next who asks.
    started.catch(() => this.#started.delete(name))
    return started
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#http.close()
    this.#http.closeAllConnections()
    await Promise.allSettled(this.#started.values())
    await Promise.all(this.#own.map(server => server.stop()))
  }

  async #start(name: ServerName): Promise<SharedServer> {
    const kind = serverKind(name)
    let url = process.env[kind.variable]
    if (!url) {
      const server = await startServer(name)
      this.#own.push(server)
      url = server.url
    }
    return { url, title: await kind.describe(url) }
  }
}
