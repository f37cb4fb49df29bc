import type { Backend, TestFunction } from './backend.ts'
import { declareCases, lacksOf, outageOf, type PromiseCases, type StoreContext, withStores } from './cases.ts'
import { durableStore } from './promise-01-durable.ts'
import { atomicStore } from './promise-02-atomic.ts'
import { orderedStore } from './promise-03-ordered.ts'
import { readLandedStore } from './promise-04-read-landed.ts'
import { unsharedStore } from './promise-05-unshared.ts'
import { absentStore } from './promise-06-absent.ts'
import { oneWriterStore } from './promise-07-one-writer.ts'
import { noSilentIdentityStore } from './promise-08-no-silent-identity.ts'
import { removedStore } from './promise-09-removed.ts'
import { boundedStore } from './promise-10-bounded.ts'
import { anyValueStore } from './promise-11-any-value.ts'
import { cleanEndsStore } from './promise-12-clean-ends.ts'

/** What {@link storeSuite} runs, and on what. */
export interface StoreSuiteOptions {
  /** The runner's function that declares a test. */
  readonly test: TestFunction
  readonly backend: Backend
}

/**
 * Declares the cases that a store must pass: what each of the package's promises asks of the store itself.
 *
 * @example
 * import { test } from 'node:test'
 * import { storeSuite } from 'baileys-authkit/testing'
 *
 * storeSuite({ test, backend })
 */
export function storeSuite({ test, backend }: StoreSuiteOptions): void {
  const scope = backend.onlyScope === undefined || backend.onlyScope === '' ? 'suite' : backend.onlyScope
  declareCases(test, backend, `${backend.name} store`, storePromises, lacksOf(backend), (data, run) =>
    withStores(data, stores => run({ scope, ...stores, outage: () => outageOf(data) })),
  )
}

const storePromises: readonly PromiseCases<StoreContext>[] = [
  durableStore,
  atomicStore,
  orderedStore,
  readLandedStore,
  unsharedStore,
  absentStore,
  oneWriterStore,
  noSilentIdentityStore,
  removedStore,
  boundedStore,
  anyValueStore,
  cleanEndsStore,
]
