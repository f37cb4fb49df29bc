/**
 * What went wrong, stable across releases; messages may change. Baileys hands a caught error on as
 * `lastDisconnect.error`, and bots delete sessions by its status code, so none of ours is 401, 403, 411, 500 or 515.
 */
export type AuthStateErrorCode =
  /** Another living process owns the session, and it did not let go within `lease.waitMs`. */
  | 'SESSION_IN_USE'
  /** Another owner took the session over; this one can write nothing more. */
  | 'LEASE_LOST'
  /** The session was removed, by `remove()` or from outside; nothing of it may be written again. */
  | 'SESSION_REMOVED'
  /** This handle was closed, or a newer handle of the session has taken over from it. */
  | 'SESSION_CLOSED'
  /** The session holds records but no creds: a new identity would make them worthless. */
  | 'CREDS_MISSING'
  /** Creds of a device that is not paired would have replaced those of a paired one. */
  | 'CREDS_UNPAIRED'
  /** A stored record cannot be decoded. */
  | 'RECORD_CORRUPT'
  /** A record is sealed with a key that the key ring does not hold. */
  | 'SEAL_KEY_MISSING'
  /** The store did not answer a read within `retry.forMs`. */
  | 'READ_FAILED'
  /** The store did not take a write within `retry.forMs`, or refused it for good. */
  | 'WRITE_FAILED'
  /** One change is larger than the store can land in one piece. */
  | 'BATCH_TOO_LARGE'
  /** The data was written by a newer version of this package. */
  | 'SCHEMA_NEWER'
  /** The place that the store was pointed at can't hold one: a file where a folder should be, for example. */
  | 'STORE_UNUSABLE'

/** A status code, and the words for it that Boom has. */
type Status = readonly [code: number, words: string]

const otherStatus: Status = [422, 'Unprocessable Entity']
const statuses: { readonly [code in AuthStateErrorCode]?: Status } = {
  READ_FAILED: [503, 'Service Unavailable'],
  WRITE_FAILED: [503, 'Service Unavailable'],
  LEASE_LOST: [440, 'Unknown'],
  SESSION_IN_USE: [409, 'Conflict'],
  SESSION_REMOVED: [410, 'Gone'],
  SESSION_CLOSED: [410, 'Gone'],
}

/** A Boom's `output`: what Baileys, and bots, look at an error's `statusCode` by. */
export interface BoomOutput {
  statusCode: number
  payload: { statusCode: number; error: string; message: string }
  headers: { [name: string]: string }
}

/** What {@link AuthStateError} carries beside its message. */
export interface AuthStateErrorOptions {
  /** The store's kind. */
  readonly kind?: string
  /** The session's name, as the caller gave it. */
  readonly session?: string
  /** What made it fail. */
  readonly cause?: unknown
}

/**
 * Every failure that is not a wrong option (those throw a `TypeError`). A Boom to whoever asks, by `instanceof` or
 * `isBoom`, so that `error.output.statusCode` works as elsewhere in a bot; without the package, which would be a third of
 * what it takes to load this one. It never carries a value, and no record's name (ids are phone numbers) in an
 * enumerable property.
 *
 * @example
 * if (isAuthStateError(error) && error.code === 'SESSION_IN_USE') process.exit(1)
 */
export class AuthStateError extends Error {
  override readonly name: string = 'AuthStateError'
  readonly code: AuthStateErrorCode
  /** The store's kind, `'multi-file'` or `'redis'` for example; `undefined` where no store is concerned. */
  readonly kind: string | undefined
  /** The session's name, as the caller gave it. */
  readonly session: string | undefined
  readonly isBoom: true = true
  /** Whether the status code is 500 or more. */
  readonly isServer: boolean
  readonly data: null = null
  readonly output: BoomOutput

  constructor(code: AuthStateErrorCode, message: string, options: AuthStateErrorOptions = {}) {
    super(message)
    const [statusCode, words] = statuses[code] ?? otherStatus
    this.code = code
    this.kind = options.kind
    this.session = options.session
    this.isServer = statusCode >= 500
    this.output = { statusCode, payload: { statusCode, error: words, message }, headers: {} }
    if (options.cause !== undefined) {
      Object.defineProperty(this, 'cause', { value: options.cause, configurable: true, writable: true })
    }
  }
}

/** True for an {@link AuthStateError}, also one of another copy of this package. */
export function isAuthStateError(error: unknown): error is AuthStateError {
  return typeof error === 'object' && error !== null && 'name' in error && error.name === 'AuthStateError'
}

/** For an adapter's list that was to be whole or nothing, of a session that is too large for that. */
export function notAtOnce(kind: string, bytes: number): AuthStateError {
  return new AuthStateError(
    'READ_FAILED',
    `The session holds more than the ${bytes} bytes that were asked for at once.`,
    { kind },
  )
}
