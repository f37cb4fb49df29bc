import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { fenceName, isInternalScope, isReserved } from '../../../src/names.ts'
import type { Change, Store } from '../../../src/store.ts'
import { memoryStore } from '../../../src/stores/memory.ts'
import { freePort } from '../../servers/free-port.ts'
import { byLine, type WireAnswer, type WireCall, type WireRecord } from './wire.ts'

/** Picks calls out of those that arrive. */
export type Match = (call: WireCall) => boolean

/** Any call at all. */
export const anyCall: Match = () => true
/** Writes of a session's own records. */
export const isBatch: Match = ({ method, changes = [] }) =>
  method === 'write' && changes.some(({ name }) => !isReserved(name))
/** Writes that change who owns a session. */
export const isFenceWrite: Match = ({ method, changes = [] }) =>
  method === 'write' && changes.some(({ name }) => name === fenceName)
/** Reads of a session's own records. */
export const isRead: Match = ({ method, scope, names = [] }) =>
  method === 'read' && !isInternalScope(scope) && !names.includes(fenceName)
/** Looks at who owns a session. */
export const isFenceRead: Match = ({ method, names = [] }) => method === 'read' && names.includes(fenceName)
/** Writes of heartbeats. */
export const isBeat: Match = ({ method, scope }) => method === 'write' && isInternalScope(scope)

/** Calls that wait for the test before they reach the data. */
export interface Held {
  /** Those that wait, the longest first. */
  readonly calls: readonly WireCall[]
  /** Resolves when so many calls are waiting. */
  waiting(count?: number): Promise<void>
  /** Lets the call that has waited longest reach the data, however late; its caller may be gone. Resolves with its result. */
  deliver(): Promise<unknown>
  /** Lets all reach the data, and holds no more. */
  release(): Promise<void>
}

/** What befalls calls until it is undone. */
export interface Fault {
  undo(): void
}

interface Rule extends Fault {
  readonly match: Match
  times: number
  readonly run: (
    call: WireCall,
    perform: () => Promise<unknown>,
    answer: (answer: WireAnswer) => void,
  ) => void
}

/**
 * The data that several processes share through `sharedStore`, in the memory of the test: a database server whose
 * calls the test can hold, lose, refuse and count.
 */
export class SharedStoreServer implements AsyncDisposable {
  /** The data itself, past every fault. */
  readonly data: Store = memoryStore()
  /** Every call, in the order in which they arrived. */
  readonly calls: WireCall[] = []
  readonly #sockets: Set<Socket> = new Set()
  readonly #watchers: Set<{ readonly match: Match; readonly resolve: (call: WireCall) => void }> = new Set()
  #rules: Rule[] = []
  #server: Server | undefined
  #port = 0

  static async start(): Promise<SharedStoreServer> {
    const server = new SharedStoreServer()
    await server.up()
    return server
  }

  get url(): string {
    return `shared://127.0.0.1:${this.#port}`
  }

  /** How many calls of a kind have arrived. */
  count(match: Match): number {
    return this.calls.filter(match).length
  }

  /** How many calls of a kind arrive while `run` runs. */
  async during(match: Match, run: () => Promise<unknown>): Promise<number> {
    const before = this.count(match)
    await run()
    return this.count(match) - before
  }

  /** Resolves with the next call of a kind that arrives. */
  next(match: Match): Promise<WireCall> {
    return new Promise(resolve => this.#watchers.add({ match, resolve }))
  }

  /** Holds calls (so many; all by default) before they reach the data. */
  hold(match: Match, times: number = Number.POSITIVE_INFINITY): Held {
    const waiting: { readonly call: WireCall; readonly deliver: () => Promise<unknown> }[] = []
    let watchers: (() => void)[] = []
    const rule = this.#add(match, times, (call, perform, answer) => {
      const deliver = async () => {
        const result = await perform()
        answer({ id: call.id, result })
        return result
      }
      waiting.push({ call, deliver })
      for (const watcher of watchers.splice(0)) watcher()
    })
    const deliver = async () => {
      const next = waiting.shift()
      if (!next) throw new Error('No call is held.')
      return await next.deliver()
    }
    return {
      get calls() {
        return waiting.map(({ call }) => call)
      },
      async waiting(count = 1) {
        while (waiting.length < count) {
          await new Promise<void>(resolve => {
            watchers.push(resolve)
          })
        }
        watchers = []
      },
      deliver,
      async release() {
        rule.undo()
        while (waiting.length > 0) await deliver()
      },
    }
  }

  /** Does what calls ask for, and then loses the answer with the connection. */
  loseAnswer(match: Match, times: number = 1): Fault {
    return this.#add(match, times, (_call, perform) => {
      void perform().then(() => this.cut())
    })
  }

  /** Answers calls with an error. */
  refuse(match: Match, code: string, times: number = Number.POSITIVE_INFINITY): Fault {
    return this.#add(match, times, (call, _perform, answer) => {
      answer({ id: call.id, error: { message: `the server refuses a ${call.method}`, code } })
    })
  }

  /** Cuts every connection; clients make new ones. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Stops the server; its data stays. */
  async down(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    this.cut()
    if (server) await new Promise(resolve => server.close(resolve))
  }

  /** Starts it again, at the same address. */
  async up(): Promise<void> {
    const server = createServer(socket => this.#serve(socket))
    this.#server = server
    if (this.#port === 0) this.#port = await freePort()
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down()
  }

  #add(match: Match, times: number, run: Rule['run']): Rule {
    const rule: Rule = {
      match,
      times,
      run,
      undo: () => {
        this.#rules = this.#rules.filter(one => one !== rule)
      },
    }
    this.#rules.push(rule)
    return rule
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.setNoDelay(true).setEncoding('utf8')
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on(
      'data',
      byLine(line => this.#take(JSON.parse(line), socket)),
    )
  }

  #take(call: WireCall, socket: Socket): void {
    this.calls.push(call)
    for (const watcher of this.#watchers) {
      if (!watcher.match(call)) continue
      this.#watchers.delete(watcher)
      watcher.resolve(call)
    }
    const answer = (given: WireAnswer) => {
      if (!socket.destroyed) socket.write(`${JSON.stringify(given)}\n`)
    }
    const perform = () => this.#perform(call)
    const rule = this.#rules.find(({ match, times }) => times > 0 && match(call))
    if (rule) {
      rule.times -= 1
      rule.run(call, perform, answer)
    } else void perform().then(result => answer({ id: call.id, result }))
  }

  async #perform(call: WireCall): Promise<unknown> {
    const { method, scope, names = [], changes = [], guards = [], prefix = '', values = false } = call
    if (method === 'read') return (await this.data.read(scope, names)).map(text => text ?? null)
    if (method === 'write') return this.data.write(scope, changes.map(fromWire), guards.map(fromWire))
    if (method === 'remove') return this.data.remove(scope, guards.map(fromWire))
    const pages = method === 'list' ? this.data.list(scope, { prefix, values }) : this.data.scopes(prefix)
    const found: unknown[] = []
    for await (const page of pages) found.push(...page)
    return found
  }
}

function fromWire({ name, value }: WireRecord): Change {
  return { name, value: value ?? undefined }
}
