import type { Store } from '../../src/store.ts'
import { passThrough } from './pass-through.ts'

/** How often each method of a store was called, and how much went through it. */
export interface StoreCounts {
  reads: number
  /** Names asked for, in all reads. */
  names: number
  /** The most names in one read. */
  largestRead: number
  writes: number
  /** Changes, in all writes. */
  changes: number
  lists: number
  removes: number
}

/** A store that counts what goes through it. */
export interface CountingStore extends Store {
  readonly counts: StoreCounts
  /** What went through since the function before was called, leaving out the core's own scopes. */
  during(run: () => Promise<void>): Promise<StoreCounts>
}

/** Counts the calls to a store; those to the core's own scopes (heartbeats) are not counted. */
export function countingStore(store: Store): CountingStore {
  const counts = zero()
  const counted = (scope: string): boolean => !scope.startsWith('!')
  return {
    ...passThrough(store),
    counts,
    read(scope, names) {
      if (counted(scope)) {
        counts.reads++
        counts.names += names.length
        counts.largestRead = Math.max(counts.largestRead, names.length)
      }
      return store.read(scope, names)
    },
    write(scope, changes, guards) {
      if (counted(scope)) {
        counts.writes++
        counts.changes += changes.length
      }
      return store.write(scope, changes, guards)
    },
    list(scope, options) {
      if (counted(scope)) counts.lists++
      return store.list(scope, options)
    },
    remove(scope, guards) {
      if (counted(scope)) counts.removes++
      return store.remove(scope, guards)
    },
    async during(run) {
      const before = { ...counts }
      counts.largestRead = 0
      await run()
      return {
        reads: counts.reads - before.reads,
        names: counts.names - before.names,
        largestRead: counts.largestRead,
        writes: counts.writes - before.writes,
        changes: counts.changes - before.changes,
        lists: counts.lists - before.lists,
        removes: counts.removes - before.removes,
      }
    },
  }
}

function zero(): StoreCounts {
  return { reads: 0, names: 0, largestRead: 0, writes: 0, changes: 0, lists: 0, removes: 0 }
}
