import type { AuthStateOptions } from '../../../src/auth-state.ts'
import type { SharedStoreOptions } from '../shared-store/shared-store.ts'

/** What an actor can be told to do. `handle` picks one of its auth states, in the order of their opening; the newest by default. */
export type Act =
  | {
      readonly do: 'open'
      /** Of a shared store, or of a place on a server. */
      readonly url: string
      readonly store?: SharedStoreOptions
      readonly options: Omit<AuthStateOptions, 'baileys' | 'logger'>
    }
  | { readonly do: 'set'; readonly handle?: number; readonly data: { readonly [id: string]: string | null } }
  | { readonly do: 'get'; readonly handle?: number; readonly ids: readonly string[] }
  | { readonly do: 'saveCreds'; readonly handle?: number; readonly nextPreKeyId: number }
  | { readonly do: 'close' | 'remove'; readonly handle?: number }

/** What an actor says. */
export type ActorMessage =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: ActorError }
  /** A session's signal fired. */
  | { readonly aborted: ActorError }
  | { readonly ready: true }

/** An error, as it goes to another process. */
export interface ActorError {
  readonly code: string
  readonly message: string
}

/** What `open` gives. */
export interface OpenedByActor {
  readonly handle: number
  readonly registrationId: number
  readonly nextPreKeyId: number
}
