import { AuthStateError, type AuthStateErrorCode } from '../errors.ts'

/** Why a session refuses what it is asked for, or has ended. */
export interface SessionErrors {
  closed(): AuthStateError
  /** A newer handle of the same process has begun to write. */
  retired(): AuthStateError
  removed(): AuthStateError
  lost(takenBy: string): AuthStateError
  /** Creds of no device would replace those of a paired one. */
  unpaired(): AuthStateError
}

/** The errors of one session. */
export function sessionErrors(kind: string, session: string): SessionErrors {
  const error = (code: AuthStateErrorCode, message: string) =>
    new AuthStateError(code, `Session "${session}" ${message}`, { kind, session })
  return {
    closed: () => error('SESSION_CLOSED', 'was closed by this process. Open it again to use it.'),
    retired: () =>
      error(
        'SESSION_CLOSED',
        'was opened again in this process, and the newer handle has begun to write. End the socket that uses this one.',
      ),
    removed: () =>
      error(
        'SESSION_REMOVED',
        'was removed; nothing of it is written again. Open it anew to pair a new device.',
      ),
    lost: takenBy =>
      error(
        'LEASE_LOST',
        `was taken over by ${takenBy}; this process can write nothing more of it. ` +
          'End its socket: two on one identity drive each other out. Run one process a session, or let this one wait for it by opening it again.',
      ),
    unpaired: () =>
      error(
        'CREDS_UNPAIRED',
        'is paired, and the creds to be saved belong to no device. To pair anew, call remove() first and open the session again.',
      ),
  }
}
