import type { Store } from '../../src/store.ts'
import { passThrough } from './pass-through.ts'

/** How a call fails: before anything happened, or after it did, so that nobody knows. */
export type Failure = 'before' | 'after'

/** A store that fails when the test says so. */
export interface FailingStore extends Store {
  /** Lets the next calls of a method fail: so many of them, or all until {@link FailingStore.mend}. */
  fail(method: 'read' | 'write' | 'list' | 'remove', failure?: Failure, times?: number): void
  /** Lets every call through again. */
  mend(): void
  /** Calls that failed so far. */
  readonly failed: number
}

/** Fails on demand, as a server does whose connection breaks: the error is one that a repetition may cure. */
export function failingStore(store: Store): FailingStore {
  const plans = new Map<string, { failure: Failure; times: number }>()
  let failed = 0
  const next = (method: string): Failure | undefined => {
    const plan = plans.get(method)
    if (plan === undefined || plan.times <= 0) return undefined
    plan.times--
    failed++
    return plan.failure
  }
  const call = async <T>(method: string, run: () => Promise<T>): Promise<T> => {
    const failure = next(method)
    if (failure === 'before') throw connectionLost()
    const result = await run()
    if (failure === 'after') throw connectionLost()
    return result
  }
  return {
    ...passThrough(store),
    read: (scope, names) => call('read', () => store.read(scope, names)),
    write: (scope, changes, guards) => call('write', () => store.write(scope, changes, guards)),
    async *list(scope, options) {
      if (next('list') !== undefined) throw connectionLost()
      yield* store.list(scope, options)
    },
    remove: (scope, guards) => call('remove', () => store.remove(scope, guards)),
    fail(method, failure = 'before', times = Number.POSITIVE_INFINITY) {
      plans.set(method, { failure, times })
    },
    mend: () => plans.clear(),
    get failed() {
      return failed
    },
  }
}

function connectionLost(): Error {
  return Object.assign(new Error('connection lost'), { code: 'ECONNRESET' })
}
