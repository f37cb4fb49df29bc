import type { Store } from '../../src/store.ts'
import { passThrough } from './pass-through.ts'

/** A store whose writes and reads wait for the test. */
export interface DelayingStore extends Store {
  /** From now on, writes of sessions' scopes wait before they reach the store, and the answers of reads on their way back. */
  hold(method: 'read' | 'write'): void
  /** Lets one call on, the one that has waited longest; resolves when it has been answered. */
  releaseOne(method: 'read' | 'write'): Promise<void>
  /** Lets all calls on, and holds no more. */
  release(method: 'read' | 'write'): void
  /** Resolves when so many calls are waiting. */
  waiting(method: 'read' | 'write', count?: number): Promise<void>
}

/** Holds writes or reads until the test lets them on. The core's own scopes (heartbeats) are never held. */
export function delayingStore(store: Store): DelayingStore {
  const gates = { read: new Gate(), write: new Gate() }
  return {
    ...passThrough(store),
    async read(scope, names) {
      return scope.startsWith('!')
        ? store.read(scope, names)
        : gates.read.pass(() => store.read(scope, names))
    },
    async write(scope, changes, guards) {
      const write = () => store.write(scope, changes, guards)
      return scope.startsWith('!') ? write() : gates.write.pass(write)
    },
    hold: method => gates[method].hold(),
    releaseOne: method => gates[method].releaseOne(),
    release: method => gates[method].release(),
    waiting: (method, count = 1) => gates[method].waiting(count),
  }
}

class Gate {
  #held = false
  readonly #calls: { start: () => void; answered: Promise<unknown> }[] = []
  #watchers: (() => void)[] = []

  async pass<T>(run: () => Promise<T>): Promise<T> {
    if (!this.#held) return run()
    let start: () => void = () => {}
    const started = new Promise<void>(resolve => {
      start = resolve
    })
    const answer = started.then(run)
    this.#calls.push({ start, answered: answer.catch(() => undefined) })
    this.#watchers.splice(0).forEach(watcher => {
      watcher()
    })
    return answer
  }

  hold(): void {
    this.#held = true
  }

  async releaseOne(): Promise<void> {
    const call = this.#calls.shift()
    if (call === undefined) throw new Error('No call is waiting.')
    call.start()
    await call.answered
  }

  release(): void {
    this.#held = false
    for (const call of this.#calls.splice(0)) call.start()
  }

  async waiting(count: number): Promise<void> {
    while (this.#calls.length < count) {
      await new Promise<void>(resolve => {
        this.#watchers.push(resolve)
      })
    }
  }
}
