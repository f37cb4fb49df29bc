import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Act, ActorError, ActorMessage, OpenedByActor } from '../children/actor-messages.ts'

/** The built JavaScript of a file in `test/engine/children`. */
export function builtChild(name: string): string {
  return fileURLToPath(new URL(`../../../dist/test/engine/children/${name}.js`, import.meta.url))
}

type Open = Extract<Act, { do: 'open' }>

/** Where an actor's sessions are: a `SharedStoreServer`, or a place on a database server. */
interface Place {
  readonly url: string
}

/** A process, or a worker thread, that opens sessions and does as the test says. */
export class Actor implements AsyncDisposable {
  readonly pid: number
  /** Resolves when a session's signal fires, with the reason. */
  readonly aborted: Promise<ActorError>
  readonly #place: Place
  readonly #send: (message: { id: number; what: Act }) => void
  readonly #end: (signal: NodeJS.Signals) => Promise<void>
  readonly #pending: Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }> =
    new Map()
  #lastId = 0
  #isStopped = false

  private constructor(place: Place, source: ChildProcess | Worker) {
    this.#place = place
    let abort: (error: ActorError) => void = () => {}
    this.aborted = new Promise(resolve => {
      abort = resolve
    })
    source.on('message', (message: ActorMessage) => {
      if ('aborted' in message) abort(message.aborted)
      else if ('id' in message) this.#settle(message)
    })
    const ended = once(source, 'exit').then(() => {
      for (const { reject } of this.#pending.values()) reject(new Error('The actor is dead.'))
    })
    this.#send = message => ('send' in source ? source.send(message) : source.postMessage(message))
    this.#end = async signal => {
      if ('kill' in source) source.kill(signal)
      else await source.terminate()
      await ended
    }
    this.pid = 'pid' in source ? (source.pid ?? 0) : process.pid
  }

  /** Starts one in a process of its own. */
  static async start(place: Place): Promise<Actor> {
    const child = fork(builtChild('actor'), { execArgv: [], stdio: 'inherit' })
    const actor = new Actor(place, child)
    await ready(child)
    return actor
  }

  /** Starts one in a worker thread of this process. */
  static async startThread(place: Place): Promise<Actor> {
    const worker = new Worker(builtChild('actor'), { execArgv: [] })
    const actor = new Actor(place, worker)
    await ready(worker)
    return actor
  }

  /** Opens a session; rejects with an error that has the actor's code and message. */
  async open(options: Open['options'], store?: Open['store']): Promise<OpenedByActor> {
    const what: Open = { do: 'open', url: this.#place.url, options, ...(store ? { store } : {}) }
    // The actor answers `open` so.
    return (await this.act(what)) as OpenedByActor
  }

  act(what: Act): Promise<unknown> {
    this.#lastId += 1
    const id = this.#lastId
    const answer = new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }))
    this.#send({ id, what })
    return answer
  }

  /** Kills it without a word; resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Stops it as SIGSTOP does: it lives, and does nothing. */
  stop(): void {
    process.kill(this.pid, 'SIGSTOP')
    this.#isStopped = true
  }

  /** Lets it go on. */
  resume(): void {
    process.kill(this.pid, 'SIGCONT')
    this.#isStopped = false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isStopped) this.resume()
    await this.#end('SIGKILL')
  }

  #settle(message: Extract<ActorMessage, { id: number }>): void {
    const pending = this.#pending.get(message.id)
    this.#pending.delete(message.id)
    if ('error' in message) {
      pending?.reject(Object.assign(new Error(message.error.message), { code: message.error.code }))
    } else pending?.resolve(message.result)
  }
}

/** Resolves when an actor says that it is there; the exit of one that is not built rejects. */
async function ready(source: ChildProcess | Worker): Promise<void> {
  const failed = once(source, 'exit').then(() => {
    throw new Error('The actor did not start. It runs built JavaScript: run `npm run build` first.')
  })
  await Promise.race([once(source, 'message'), failed])
}
