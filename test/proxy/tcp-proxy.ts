import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { freePort } from '../servers/free-port.ts'
import { type Address, type ConnectionWatch, ProxiedConnection } from './proxied-connection.ts'

/** Picks requests by their bytes, one piece as it came over the wire at a time. */
export type RequestMatch = (bytes: Buffer) => boolean

/** What has gone through a proxy. */
export interface Traffic {
  readonly connections: number
  readonly bytesToServer: number
  readonly bytesToClient: number
  /** How often a client spoke after its server had: the round trips of connections that do one thing at a time. */
  readonly turns: number
}

/** What will befall a request, once. */
export interface Fault {
  /** Resolves when it has, before anything else can happen on any connection. */
  readonly met: Promise<void>
  /** It will befall none. */
  undo(): void
}

/** Requests that are counted. */
export interface Counted {
  readonly count: number
  /** Counts no more. */
  undo(): void
}

/** Requests that wait on their way to the server. */
export interface Held {
  /** How many connections are held. */
  readonly size: number
  /** Resolves when one is. */
  readonly met: Promise<void>
  /** Cuts their clients' sides: what is held may reach the server yet. */
  abandon(): void
  /** Lets all reach the server now, in the order in which they came, and holds no more; resolves when it has answered each. */
  deliver(): Promise<void>
  /** Ends the connections; what is held never arrives. */
  drop(): void
}

interface Rule {
  readonly match: RequestMatch
  readonly run: (connection: ProxiedConnection, bytes: Buffer) => void
}

interface Door {
  readonly target: Address
  readonly listener: Server
  port: number
}

const any: RequestMatch = () => true

/**
 * Picks requests that contain a text, as it is, or in base64 or hexadecimal. One that is split over two pieces is
 * missed, so keep it short.
 */
export function containing(text: string): RequestMatch {
  const shapes = [text, Buffer.from(text).toString('hex'), ...[0, 1, 2].map(offset => base64Of(text, offset))]
  return bytes => shapes.some(shape => bytes.includes(shape))
}

/** What base64 makes of a text so many bytes behind the beginning of a group of three, without what its neighbours decide. */
function base64Of(text: string, offset: number): string {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(text)])
  return bytes.toString('base64').slice(Math.ceil((offset * 8) / 6), Math.floor((bytes.length * 8) / 6))
}

/**
 * A proxy on the loopback interface in front of a server, or of all nodes of one: it counts what goes through, and
 * breaks it as networks do. It knows no protocol: a request is what a client sends.
 */
export class TcpProxy implements AsyncDisposable {
  /** How late bytes are, either way. */
  delayMs = 0
  readonly #doors: Door[]
  readonly #connections: Set<ProxiedConnection> = new Set()
  readonly #traffic = { connections: 0, bytesToServer: 0, bytesToClient: 0, turns: 0 }
  readonly #watch: ConnectionWatch = this.#watchConnections()
  readonly #counters: Set<(bytes: Buffer) => void> = new Set()
  #rules: Rule[] = []
  /** Rules that have found their request, and wait for their moment. */
  readonly #armed: Map<ProxiedConnection, Rule> = new Map()
  #isStalled = false

  private constructor(targets: readonly Address[]) {
    this.#doors = targets.map(target => {
      const listener = createServer({ noDelay: true }, client => this.#take(client, target))
      return { target, listener, port: 0 }
    })
  }

  /** Starts one in front of these addresses, on a free port for each. */
  static async start(...targets: readonly Address[]): Promise<TcpProxy> {
    const proxy = new TcpProxy(targets)
    await proxy.up()
    return proxy
  }

  /** The port that stands for the first address. */
  get port(): number {
    return this.ports[0] ?? 0
  }

  /** The ports that stand for the addresses, in their order. */
  get ports(): readonly number[] {
    return this.#doors.map(({ port }) => port)
  }

  /** What has gone through so far. */
  get traffic(): Traffic {
    return { ...this.#traffic }
  }

  /** The URL with this proxy in place of its addresses. */
  url(original: string): string {
    let url = original
    for (const { target, port } of this.#doors) {
      const address = new RegExp(`(?<=[/@,])${escapeRegExp(target.host)}:${target.port}(?!\\d)`, 'g')
      url = url.replace(address, `127.0.0.1:${port}`)
    }
    if (url === original) throw new TypeError('The URL has none of the addresses behind the proxy.')
    return url
  }

  /** What goes through while `run` runs. */
  async during(run: () => Promise<unknown>): Promise<Traffic> {
    const before = this.traffic
    await run()
    const after = this.traffic
    return {
      connections: after.connections - before.connections,
      bytesToServer: after.bytesToServer - before.bytesToServer,
      bytesToClient: after.bytesToClient - before.bytesToClient,
      turns: after.turns - before.turns,
    }
  }

  /** Counts such requests from now on. */
  count(match: RequestMatch): Counted {
    let count = 0
    const counter = (bytes: Buffer) => {
      if (match(bytes)) count += 1
    }
    this.#counters.add(counter)
    return {
      get count() {
        return count
      },
      undo: () => this.#counters.delete(counter),
    }
  }

  /** Cuts every connection now; clients may make new ones. */
  cut(): void {
    for (const connection of this.#connections) connection.cut()
  }

  /** Refuses new connections; those that are there go on. */
  refuse(): void {
    for (const { listener } of this.#doors) listener.close()
  }

  /** Refuses new connections, and cuts those that are there. */
  down(): void {
    this.refuse()
    this.cut()
  }

  /** Takes connections again, at the same ports. */
  async up(): Promise<void> {
    for (const door of this.#doors) {
      if (door.listener.listening) continue
      if (door.port === 0) door.port = await freePort()
      door.listener.listen(door.port, '127.0.0.1')
      await once(door.listener, 'listening')
    }
  }

  /** Takes what comes, of connections old and new, and hands nothing on, either way. */
  stall(): void {
    this.#isStalled = true
    for (const connection of this.#connections) stall(connection)
  }

  /** Hands on all that has been held since {@link TcpProxy.stall}, also of clients that have given up meanwhile. */
  release(): void {
    this.#isStalled = false
    for (const connection of this.#connections) {
      connection.toClient.release()
      if (connection.toServer.isHeld) void connection.deliver()
    }
  }

  /** Ends the connections that are stalled; what was held never arrives. */
  drop(): void {
    this.#isStalled = false
    for (const connection of this.#connections) if (connection.toServer.isHeld) connection.destroy()
  }

  /** Cuts the connection of the next such request before any byte of it reaches the server. */
  cutBefore(match: RequestMatch = any): Fault {
    return this.#once(match, (connection, _bytes, met) => {
      met()
      connection.cut()
    })
  }

  /** Cuts the connection of the next such request when so many bytes of it have gone to the server. */
  cutWithin(bytes: number, match: RequestMatch = any): Fault {
    return this.#once(match, (connection, request, met) => {
      connection.cutWithin(bytes, met)
      connection.forward(request)
    })
  }

  /** Lets the next such request through, and cuts its connection when the server answers: it has done what it was asked. */
  cutAfter(match: RequestMatch = any): Fault {
    return this.#once(match, (connection, request, met) => {
      connection.cutAtAnswer(met)
      connection.forward(request)
    })
  }

  /** Holds the next such request, and all that follows it on its connection. */
  hold(match: RequestMatch = any): Held {
    const held: ProxiedConnection[] = []
    const fault = this.#once(match, (connection, request, met) => {
      held.push(connection)
      connection.toServer.hold()
      connection.forward(request)
      met()
    })
    return {
      get size() {
        return held.length
      },
      met: fault.met,
      abandon() {
        for (const connection of held) connection.cut()
      },
      async deliver() {
        fault.undo()
        for (const connection of held.splice(0)) await connection.deliver()
      },
      drop() {
        fault.undo()
        for (const connection of held.splice(0)) connection.destroy()
      },
    }
  }

  /** Undoes every fault; what is stalled never arrives. */
  async mend(): Promise<void> {
    this.#rules = []
    this.#armed.clear()
    this.delayMs = 0
    this.drop()
    await this.up()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.destroy()
    await Promise.all(this.#doors.map(({ listener }) => new Promise(resolve => listener.close(resolve))))
  }

  #once(
    match: RequestMatch,
    run: (connection: ProxiedConnection, bytes: Buffer, met: () => void) => void,
  ): Fault {
    let meet: () => void = () => {}
    const met = new Promise<void>(resolve => {
      meet = resolve
    })
    const undo = () => {
      this.#rules = this.#rules.filter(one => one !== rule)
      for (const [connection, armed] of this.#armed) if (armed === rule) this.#armed.delete(connection)
    }
    const rule: Rule = {
      match,
      run: (connection, bytes) => {
        undo()
        this.#armed.set(connection, rule)
        run(connection, bytes, () => {
          this.#armed.delete(connection)
          meet()
        })
      },
    }
    this.#rules.push(rule)
    return { met, undo }
  }

  #take(client: Socket, target: Address): void {
    this.#traffic.connections += 1
    const connection = new ProxiedConnection(client, target, this.#watch)
    this.#connections.add(connection)
    if (this.#isStalled) stall(connection)
  }

  #watchConnections(): ConnectionWatch {
    return {
      delayMs: () => this.delayMs,
      onRequest: (connection, bytes, isTurn) => {
        this.#traffic.bytesToServer += bytes.length
        if (isTurn) this.#traffic.turns += 1
        for (const counter of this.#counters) counter(bytes)
        const rule = this.#rules.find(({ match }) => match(bytes))
        rule?.run(connection, bytes)
        return rule !== undefined
      },
      onAnswer: bytes => {
        this.#traffic.bytesToClient += bytes.length
      },
      onClosed: connection => {
        this.#connections.delete(connection)
        // It ended before its fault could befall it: another one's turn.
        const rule = this.#armed.get(connection)
        if (rule) this.#rules.push(rule)
        this.#armed.delete(connection)
      },
    }
  }
}

function stall(connection: ProxiedConnection): void {
  connection.toServer.hold()
  connection.toClient.hold()
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
