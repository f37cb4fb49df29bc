import type { AuthState, AuthStateOptions } from '../../src/auth-state.ts'
import type { Store } from '../../src/store.ts'
import type { ServerName } from '../servers/server.ts'

/** A store that a URL named, with the client that was made for it. */
export interface OpenedStore extends AsyncDisposable {
  /** Its `open()` has resolved. */
  readonly store: Store
  /** Closes the store, and ends the client. */
  close(): Promise<void>
}

/** Opens one session again and again, as a bot does that reconnects. */
export interface Opener {
  open(): Promise<AuthState>
  /** Ends the client. */
  close(): Promise<void>
}

/** How tests, the demo and processes of their own reach one kind of store by URL. */
export interface ServerStore {
  /** The store's name in tests: `PostgreSQL`. */
  readonly name: string
  /** The server that it is on. */
  readonly server: ServerName
  /** The URL of a place of its own on the server of that URL: a table, a prefix, a collection with that name (letters, digits and `_`). */
  place(serverUrl: string, name: string): string
  /** Connects, and opens the store at such a URL. */
  open(url: string): Promise<OpenedStore>
  /** The function that README has for the store, with one client for all calls of `open`; the first of them makes it. */
  opener(url: string, options: AuthStateOptions): Opener
  /** Deletes the place with all that is in it, as an operator does by hand: without a word to our code. */
  erase(url: string): Promise<void>
}
