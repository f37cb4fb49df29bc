import type { AuthenticationCreds, AuthKeyStore, BaileysEventEmitter, Logger } from './auth-types.ts'
import { type BaileysModule, loadBaileys } from './baileys.ts'
import { isAuthStateError } from './errors.ts'
import { keyStoreOf } from './key-store.ts'
import { createLog, type Log } from './log.ts'
import { scopeOf } from './names.ts'
import { checkBindOptions, checkOptions, checkStore } from './options.ts'
import { type Handle, openSession } from './session/open-session.ts'
import type { Session } from './session/session.ts'
import type { Store } from './store.ts'

/** How a session is opened. Every default is right for production. */
export interface AuthStateOptions {
  /** Which of the store's sessions: any text but the empty one. */
  readonly session: string
  /** pino's interface. Without one, warnings and errors go to `process.emitWarning`, one a minute for each code; `false` silences. */
  readonly logger?: Logger | false
  readonly cache?: CacheOptions
  readonly lease?: LeaseOptions
  readonly retry?: RetryOptions
  /** The Baileys module, for forks and monorepos. @default `@whiskeysockets/baileys`, else `baileys` */
  readonly baileys?: BaileysModule
}

/** What of a session is kept in memory. */
export interface CacheOptions {
  /** The size of a cache of the session's own, in bytes; 0 for none. @default one pool of 64 MiB for all sessions of the process */
  readonly maxBytes?: number
  /**
   * Whether the whole session is read when it is opened, as far as three quarters of the cache have room for it: then no
   * record, and none that is absent, costs a read later. `false` where a process lives for a message or two.
   * @default true */
  readonly preload?: boolean
}

/** Who may hold a session, and for how long a contender waits. */
export interface LeaseOptions {
  /** How long an owner on another host must have given no sign of life before it counts as dead, in milliseconds. @default 10_000 */
  readonly ttlMs?: number
  /** How long to wait for a session that another process holds, in milliseconds; `Infinity` for ever. @default 30_000 */
  readonly waitMs?: number
  /** `'takeOver'` does not wait: the holder gets `LEASE_LOST`. For serverless and development. @default 'wait' */
  readonly onHeld?: 'wait' | 'takeOver'
}

/** How failures of the store are met. */
export interface RetryOptions {
  /** How long a call is repeated through an outage, from the outage's start, in milliseconds. @default 30_000 */
  readonly forMs?: number
}

/** What {@link AuthState.bind} does beside saving creds. */
export interface BindOptions {
  /** The session can't go on (see {@link AuthState.signal}), not by its own `close()` or `remove()`: end the socket. */
  readonly onFatal?: (error: Error) => void
  /** What becomes of the session when WhatsApp logs the device out (close code 401). @default 'keep' */
  readonly onLoggedOut?: 'keep' | 'remove'
}

/** An open session. `state` and `saveCreds` are what Baileys' own functions give; the rest is for a clean end. */
export interface AuthState {
  /** For `makeWASocket({ auth })`. `creds` is one live object for all handles of the session in this process. */
  readonly state: { readonly creds: AuthenticationCreds; readonly keys: AuthKeyStore }
  /** The session's name. */
  readonly session: string
  /** Aborts, with the error as its reason, when the lease is lost, the store refuses for good, or the session is removed or closed. */
  readonly signal: AbortSignal
  /**
   * Saves the creds as they are at the call; resolves when they are durable. It stays pending while the store is
   * away, and rejects only when that is for good. Nobody needs to catch it: `ev.on('creds.update', saveCreds)`.
   */
  saveCreds(): Promise<void>
  /** Saves creds at every `creds.update`, and follows the connection's end as the options say. Returns the undoing. */
  bind(ev: BaileysEventEmitter, options?: BindOptions): () => void
  /** Resolves when everything changed so far is durable. @throws AuthStateError the first failure among it */
  flush(): Promise<void>
  /** Removes the session with all its records, for good: late writes of a closing socket are refused. */
  remove(): Promise<void>
  /** Lands what is pending and releases the lease, so that the next opener need not wait. The caller's client stays open. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const loggedOut = 401

/**
 * Opens a session on a store: the auth state of a Baileys socket, durable before it is acknowledged, written by one
 * process at a time. Opened twice in one process it is the same session, with the same live creds.
 *
 * @throws TypeError for wrong options, and where the store lacks a package that has to be installed
 * @throws AuthStateError `SESSION_IN_USE`, `CREDS_MISSING`, `RECORD_CORRUPT`, `READ_FAILED`, `WRITE_FAILED`, `SCHEMA_NEWER`
 *
 * @example
 * const auth = await useAuthState(store, { session: 'shop-1' })
 * const sock = makeWASocket({ auth: auth.state })
 * auth.bind(sock.ev)
 */
export function useAuthState(store: Store, options: AuthStateOptions): Promise<AuthState> {
  return openAuthState(store, options, { ownsStore: false })
}

/** How one of our own functions opens a store that it has made. */
export interface OpenOptions {
  /** Whether the store was made for this call, and is closed with the session. */
  readonly ownsStore: boolean
  /** The session's scope, where it does not follow from the session's name. */
  readonly scope?: string
}

/** {@link useAuthState} for our own functions. */
export async function openAuthState(
  store: Store,
  options: AuthStateOptions,
  open: OpenOptions,
): Promise<AuthState> {
  checkStore(store)
  const checked = checkOptions(options)
  const baileys = await loadBaileys(options.baileys)
  const log = createLog(options.logger, { kind: store.kind, session: options.session })
  const scope = open.scope ?? scopeOf(options.session)
  const handle = await openSession({ ...checked, store, scope, ownsStore: open.ownsStore, baileys, log })
  return authStateOf(handle, baileys, log)
}

function authStateOf(handle: Handle, baileys: BaileysModule, log: Log): AuthState {
  const { session, number } = handle
  const saveCreds = () => handled(session.saveCreds(number))
  const close = () => session.close(number)
  const auth: AuthState = {
    state: { creds: session.creds, keys: keyStoreOf(handle, baileys) },
    session: session.name,
    signal: session.signal,
    saveCreds,
    bind: (ev, options) => bind(auth, session, ev, log, options),
    flush: () => session.flush(),
    remove: () => session.remove(number),
    close,
    [Symbol.asyncDispose]: close,
  }
  return auth
}

function bind(
  auth: AuthState,
  session: Session,
  ev: BaileysEventEmitter,
  log: Log,
  options: BindOptions = {},
): () => void {
  const { onFatal, onLoggedOut } = checkBindOptions(options)
  const fatal = () => {
    const reason: unknown = auth.signal.reason
    if (isAuthStateError(reason) && !session.isEndAskedFor) onFatal?.(reason)
  }
  const onCreds = () => void auth.saveCreds()
  const onConnection = (update: {
    connection?: unknown
    lastDisconnect?: { error?: unknown } | undefined
  }) => {
    if (update.connection !== 'close') return
    // The socket is at its end: what befalls the session later is no concern of its owner's.
    auth.signal.removeEventListener('abort', fatal)
    if (statusCodeOf(update.lastDisconnect?.error) !== loggedOut) return
    if (onLoggedOut === 'remove') {
      auth.remove().catch(error => log.error('SESSION_NOT_REMOVED', String(error.message), error))
    } else {
      log.warn(
        'LOGGED_OUT',
        `WhatsApp logged session "${auth.session}" out; it is kept. Call remove() to pair anew.`,
      )
    }
  }
  ev.on('creds.update', onCreds)
  ev.on('connection.update', onConnection)
  auth.signal.addEventListener('abort', fatal)
  if (auth.signal.aborted) fatal()
  return () => {
    ev.off('creds.update', onCreds)
    ev.off('connection.update', onConnection)
    auth.signal.removeEventListener('abort', fatal)
  }
}

function statusCodeOf(error: unknown): unknown {
  if (typeof error !== 'object' || error === null || !('output' in error)) return undefined
  const { output } = error
  return typeof output === 'object' && output !== null && 'statusCode' in output
    ? output.statusCode
    : undefined
}

/** Baileys awaits no listener: without this a failed save would be an unhandled rejection and end the process. */
function handled(promise: Promise<void>): Promise<void> {
  promise.catch(() => {})
  return promise
}
