import { isInternalScope, isReserved } from '../../src/names.ts'
import type { Change, Guard, Store } from '../../src/store.ts'
import { passThrough } from './pass-through.ts'

/** A batch as it reached the store. */
export interface RecordedBatch {
  readonly scope: string
  readonly changes: readonly Change[]
  readonly guards: readonly Guard[]
  /** What the store answered. */
  readonly landed: boolean
}

/** A store that remembers the batches that went through it. */
export interface RecordingStore extends Store {
  /** Answered batches in order of their answers, without those that hold reserved records only (leases, heartbeats). */
  readonly batches: readonly RecordedBatch[]
}

/** Remembers the batches that go through to a store. */
export function recordingStore(store: Store): RecordingStore {
  const batches: RecordedBatch[] = []
  return {
    ...passThrough(store),
    batches,
    async write(scope, changes, guards = []) {
      const landed = await store.write(scope, changes, guards)
      const isLease = isInternalScope(scope) || changes.every(change => isReserved(change.name))
      if (!isLease) batches.push({ scope, changes, guards, landed })
      return landed
    },
  }
}
