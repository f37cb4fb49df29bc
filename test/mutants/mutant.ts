import type { Store } from '../../src/store.ts'

/** A store that is broken in one way, and the case that is meant to find it. */
export interface Mutant {
  /** What it does wrong. */
  readonly name: string
  /** The case's name, with its promise's number before it. */
  readonly caughtBy: string
  /** Breaks a store. Called for each store that a case opens; all of them stand on the same data. */
  breaks(store: Store): Store
}
