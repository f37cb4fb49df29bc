import type { Driver, OwnConnection } from './client.ts'

/** How long replicas are waited for; the core repeats what fails then. */
const timeoutMs = 2000

/**
 * Writes by a connection of our own, and answers when so many replicas have it. Of a write that too few have, or whose
 * connection was lost meanwhile, the outcome is unknown.
 */
export class ReplicatedDriver implements Pick<Driver, 'evalSha' | 'eval'> {
  readonly #original: Driver
  readonly #replicas: number
  #connection: OwnConnection | undefined

  constructor(original: Driver, replicas: number) {
    this.#original = original
    this.#replicas = replicas
  }

  evalSha(sha: string, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    return this.#replicated(connection => connection.evalSha(sha, keys, args))
  }

  eval(lua: string, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    return this.#replicated(connection => connection.eval(lua, keys, args))
  }

  end(): void {
    this.#connection?.end()
    this.#connection = undefined
  }

  async #replicated(write: (connection: OwnConnection) => Promise<unknown>): Promise<unknown> {
    const connection = this.#connected()
    await connection.ready(timeoutMs)
    const before = connection.losses
    // Both are sent at once. WAIT is about what its own connection has written, so a new one would answer too early.
    const [written, waited] = await Promise.allSettled([
      write(connection),
      connection.wait(this.#replicas, timeoutMs),
    ])
    if (written.status === 'rejected') throw written.reason
    if (waited.status === 'rejected') throw waited.reason
    if (connection.losses !== before)
      throw new Error('the connection was lost before the replicas had answered')
    const hasLanded = Number(written.value) === 1
    if (hasLanded && waited.value < this.#replicas) {
      throw new Error(`${waited.value} of ${this.#replicas} replicas have the write after ${timeoutMs} ms`)
    }
    return written.value
  }

  #connected(): OwnConnection {
    // One that has given up never comes back.
    if (this.#connection?.isClosed) this.#connection = undefined
    this.#connection ??= this.#original.duplicate()
    return this.#connection
  }
}
