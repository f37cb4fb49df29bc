import { AuthStateError } from './errors.ts'

/*
 * What tells that a record was sealed, to who has no keys: so that nobody is told that it is damaged or lost.
 */

/** What every sealed text begins with, and no text of the core: those are JSON. */
export const sealedMark = 'sealed:'

/** What every hidden name begins with. */
export const hiddenPrefix = 'hidden/'

/** The key id of a hidden name; `undefined` for any other one: the core's own names have one slash at most. */
export function hiddenUnder(storedName: string): string | undefined {
  return /^hidden\/([A-Za-z][A-Za-z0-9_-]{0,31})\/[0-9a-f]{64}$/.exec(storedName)?.[1]
}

/** For who opens a sealed session as if it were none. */
export function notUnsealed(kind: string, session: string): AuthStateError {
  return new AuthStateError(
    'SEAL_KEY_MISSING',
    `Session "${session}" is encrypted, and was opened as if it were not. Open it through sealed(store, { keys }), with the keys that it was sealed with.`,
    { kind, session },
  )
}
