import type { Store } from '../../../src/store.ts'
import { passThrough } from '../../suite/pass-through.ts'

/** A store whose reads see the data at once, and are answered when the test says so. */
export interface LateReads extends Store {
  /** From now on, answers wait. */
  hold(): void
  /** Gives them all, and holds no more. */
  release(): void
}

/** Lets the answers to reads of sessions' scopes come late: older than what has landed meanwhile. */
export function lateReads(store: Store): LateReads {
  let isHolding = false
  const waiting: (() => void)[] = []
  return {
    ...passThrough(store),
    async read(scope, names) {
      const texts = await store.read(scope, names)
      if (isHolding && !scope.startsWith('!')) await new Promise<void>(resolve => waiting.push(resolve))
      return texts
    },
    hold() {
      isHolding = true
    },
    release() {
      isHolding = false
      for (const answer of waiting.splice(0)) answer()
    },
  }
}
