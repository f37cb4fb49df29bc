import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { built } from '../../test/built.ts'
import type { Answer, Commands, Question } from './answer-parent.ts'

/** A process of the benchmark's own, which answers by {@link answerParent}. Its questions are typed by its commands. */
export class Child<C extends Commands> implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #open: Map<number, { resolve(result: unknown): void; reject(error: Error): void }> = new Map()
  #lastId = 0
  /** What it printed to its standard error: the last of it, for an error message. */
  #complaints = ''
  /** Why it is gone. */
  #end: Error | undefined

  private constructor(child: ChildProcess) {
    this.#process = child
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-2_000)
    })
    child.on('message', ({ id, result, error }: Answer) => {
      const question = this.#open.get(id)
      this.#open.delete(id)
      if (error === undefined) question?.resolve(result)
      else question?.reject(new Error(error))
    })
    child.once('exit', (code, signal) => {
      const error = new Error(`The process ended (${signal ?? code}). ${this.#complaints}`.trim())
      this.#end = error
      for (const { reject } of this.#open.values()) reject(error)
      this.#open.clear()
    })
  }

  /** Starts a source file of this repository, in plain Node. */
  static start<C extends Commands>(source: string, settings: object = {}, execArgv: string[] = []): Child<C> {
    const env = { ...process.env, BENCH: JSON.stringify(settings) }
    return new Child(
      fork(built(source), {
        env,
        execArgv,
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
        serialization: 'advanced',
      }),
    )
  }

  /** Runs a command there. Rejects with its error, and when the process ends. */
  ask<K extends keyof C & string>(command: K, ...args: Parameters<C[K]>): Promise<Awaited<ReturnType<C[K]>>> {
    return new Promise((resolve, reject) => {
      if (this.#end) {
        reject(this.#end)
        return
      }
      this.#lastId += 1
      // What comes back is what that command returned.
      this.#open.set(this.#lastId, { resolve: resolve as (result: unknown) => void, reject })
      const question: Question = { id: this.#lastId, command, args }
      this.#process.send(question, error => {
        if (error) reject(error)
      })
    })
  }

  /** Ends the process with SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const gone = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await gone
  }

  /** The same as `kill()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }
}
