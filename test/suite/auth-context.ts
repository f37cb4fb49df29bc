import { setImmediate as nextTurn } from 'node:timers/promises'
import { type AuthState, type AuthStateOptions, useAuthState } from '../../src/auth-state.ts'
import type { BaileysModule } from '../../src/baileys.ts'
import { decode } from '../../src/buffer-json.ts'
import type { AuthStateErrorCode } from '../../src/errors.ts'
import { recordName, scopeOf, sessionOf } from '../../src/names.ts'
import type { Store } from '../../src/store.ts'
import type { Backend, BackendData } from './backend.ts'
import { type Need, outageOf, withStores } from './cases.ts'
import { type DelayingStore, delayingStore } from './delaying-store.ts'
import { rejectsWith } from './expect-error.ts'
import { type FailingStore, failingStore } from './failing-store.ts'

/** Values by type and id, as `keys.set` takes them; the suite sets types and values that Baileys' own types don't know. */
export type KeyData = { readonly [type: string]: { readonly [id: string]: unknown } }

/** What the suite uses of a `SignalKeyStore`. */
export interface SuiteKeys {
  get(type: string, ids: string[]): Promise<{ [id: string]: unknown }>
  set(data: KeyData): Promise<void>
}

/** How a case opens a session. */
export type OpenOptions = Partial<Omit<AuthStateOptions, 'baileys'>> & {
  /** A store in place of a new one on the case's data. */
  readonly store?: Store
}

/** An open session, and its keys through whatever wrapper the suite runs on. */
export interface OpenAuth {
  readonly auth: AuthState
  readonly keys: SuiteKeys
}

/** What a case about auth states works with. */
export interface AuthContext {
  readonly session: string
  readonly scope: string
  readonly baileys: BaileysModule
  /** What the backend, or the wrapper that the keys go through, can't give. */
  readonly lacks: readonly Need[]
  /** Asserts that a set is refused with this code, where the wrapper under test passes a refusal on. */
  refuses(set: Promise<void>, code: AuthStateErrorCode): Promise<void>
  /** A store on the case's data, as another process has one. Closed at the case's end. */
  openStore(): Promise<Store>
  /** Opens the session, silent. Closed at the case's end. */
  open(options?: OpenOptions): Promise<OpenAuth>
  /** A store that holds calls back. Lets them on at the case's end, so that a case that fails doesn't hang. */
  delaying(store: Store): DelayingStore
  /** A store that fails on demand. Mended at the case's end. */
  failing(store: Store): FailingStore
  /** Begins an outage of the backend, and resolves with the function that ends it. Only for cases that need it. */
  outage(): Promise<() => Promise<void>>
}

/** The parts of a suite's options that its context is made of. */
export interface AuthContextOptions {
  readonly backend: Backend
  readonly baileys: BaileysModule
  readonly through?: (keys: SuiteKeys) => SuiteKeys
  readonly lacks: readonly Need[]
}

/** Runs one case, and closes whatever it leaves open. */
export async function withAuthContext(
  options: AuthContextOptions,
  data: BackendData,
  run: (context: AuthContext) => Promise<void>,
): Promise<void> {
  const { backend, baileys, through = keys => keys, lacks } = options
  const scope =
    backend.onlyScope === undefined || backend.onlyScope === '' ? scopeOf('suite') : backend.onlyScope
  const session = sessionOf(scope) ?? 'suite'
  await withStores(data, async ({ open: openStore }) => {
    const opened: AuthState[] = []
    const restores: (() => unknown)[] = []
    try {
      await run({
        session,
        scope,
        baileys,
        lacks,
        async refuses(set, code) {
          if (lacks.includes('refusals')) await set.catch(() => {})
          else await rejectsWith(set, code)
        },
        openStore,
        delaying(inner) {
          const store = delayingStore(inner)
          restores.push(
            () => store.release('read'),
            () => store.release('write'),
          )
          return store
        },
        failing(inner) {
          const store = failingStore(inner)
          restores.push(() => store.mend())
          return store
        },
        async outage() {
          const end = await outageOf(data)
          restores.push(end)
          return end
        },
        async open({ store, cache, ...more } = {}) {
          const auth = await useAuthState(store ?? (await openStore()), {
            session,
            logger: false,
            retry: { forMs: 15_000 },
            baileys,
            // What a case counts, holds back or lets fail is a read.
            cache: { preload: false, ...cache },
            ...more,
          })
          opened.push(auth)
          return { auth, keys: through(suiteKeys(auth)) }
        },
      })
    } finally {
      for (const restore of restores) await restore()
      // The newest first: closing it closes the session, and the rest have nothing left to wait for.
      for (const auth of opened.reverse()) await auth.close().catch(() => {})
    }
  })
}

/** The value that the store holds for a key; `undefined` where it holds none. */
export async function storedKey(store: Store, scope: string, type: string, id: string): Promise<unknown> {
  const [text] = await store.read(scope, [recordName(type, id)])
  return text === undefined ? undefined : decode(text)
}

/** The creds that the store holds; `undefined` where it holds none. */
export async function storedCreds(store: Store, scope: string): Promise<unknown> {
  const [text] = await store.read(scope, ['creds'])
  return text === undefined ? undefined : decode(text)
}

/** Whether a promise is still pending after a few turns of the event loop. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true
  const settled = (): void => {
    pending = false
  }
  promise.then(settled, settled)
  for (let turn = 0; turn < 8; turn++) await nextTurn()
  return pending
}

function suiteKeys(auth: AuthState): SuiteKeys {
  // The suite sets types and values that Baileys' own types don't know; at run time any are taken.
  return auth.state.keys as unknown as SuiteKeys
}
