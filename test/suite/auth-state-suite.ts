import type { BaileysModule } from '../../src/baileys.ts'
import { type AuthContext, type SuiteKeys, withAuthContext } from './auth-context.ts'
import type { Backend, TestFunction } from './backend.ts'
import { declareCases, lacksOf, type PromiseCases, type WrapperNeed } from './cases.ts'
import { durableAuthState } from './promise-01-durable.ts'
import { atomicAuthState } from './promise-02-atomic.ts'
import { orderedAuthState } from './promise-03-ordered.ts'
import { readLandedAuthState } from './promise-04-read-landed.ts'
import { unsharedAuthState } from './promise-05-unshared.ts'
import { absentAuthState } from './promise-06-absent.ts'
import { oneWriterAuthState } from './promise-07-one-writer.ts'
import { noSilentIdentityAuthState } from './promise-08-no-silent-identity.ts'
import { removedAuthState } from './promise-09-removed.ts'
import { boundedAuthState } from './promise-10-bounded.ts'
import { anyValueAuthState } from './promise-11-any-value.ts'
import { cleanEndsAuthState } from './promise-12-clean-ends.ts'
import { quickBaileys } from './quick-baileys.ts'

/** What {@link authStateSuite} runs, and on what. */
export interface AuthStateSuiteOptions {
  /** The runner's function that declares a test. */
  readonly test: TestFunction
  readonly backend: Backend
  /** The Baileys module whose identities are made and whose `proto` revives keys. */
  readonly baileys: BaileysModule
  /**
   * Wraps the keys that the cases set and get, as a bot does with a caching or transactional key store. A wrapper
   * that needs a transaction to set many types at once makes one in its `set`.
   */
  readonly through?: {
    /** Follows the backend's name in every case's. */
    readonly name: string
    wrap(keys: SuiteKeys): SuiteKeys
    /** What it spoils; the cases that are about that are left out, or look at the store only. @default nothing */
    readonly lacks?: readonly WrapperNeed[]
    /** The promises that hold through it, by number. @default all */
    readonly promises?: readonly number[]
  }
}

/**
 * Declares the cases that `useAuthState` must pass on a store: each of the package's promises, as a bot sees it.
 *
 * @example
 * authStateSuite({ test, backend, baileys: await import('@whiskeysockets/baileys') })
 */
export function authStateSuite({ test, backend, baileys, through }: AuthStateSuiteOptions): void {
  const subject =
    through === undefined
      ? `${backend.name} auth state`
      : `${backend.name} auth state through ${through.name}`
  const groups = authStatePromises.filter(group => through?.promises?.includes(group.number) ?? true)
  const lacks = [...lacksOf(backend), ...(through?.lacks ?? [])]
  const options = { backend, baileys: quickBaileys(baileys), lacks }
  const context = through === undefined ? options : { ...options, through: through.wrap }
  declareCases(test, backend, subject, groups, lacks, (data, run) => withAuthContext(context, data, run))
}

const authStatePromises: readonly PromiseCases<AuthContext>[] = [
  durableAuthState,
  atomicAuthState,
  orderedAuthState,
  readLandedAuthState,
  unsharedAuthState,
  absentAuthState,
  oneWriterAuthState,
  noSilentIdentityAuthState,
  removedAuthState,
  boundedAuthState,
  anyValueAuthState,
  cleanEndsAuthState,
]
