import { AuthStateError, type AuthStateErrorCode } from '../../errors.ts'
import { sessionOf } from '../../names.ts'

/** Why a sealed store refuses. Each says what to do; a record's name is in `record` alone, which no logger prints. */
export interface SealErrors {
  /** Something is sealed with a key that the ring lacks. */
  keyMissing(keyId: string, record?: string): AuthStateError
  /** A record with a damaged header, or one that its key does not open. */
  corrupt(keyId: string | undefined, record: string): AuthStateError
  /** `!seal` is damaged. */
  sealCorrupt(): AuthStateError
  /** `!seal` is from a later version. */
  sealNewer(): AuthStateError
  /** `!seal` says that a key of the ring is another one than it was. */
  otherKey(keyId: string): AuthStateError
  /** Names are hidden in the store, and the options don't say so. */
  namesHidden(): AuthStateError
  tooLarge(bytes: number, limit: number): AuthStateError
}

/** The errors about one scope. */
export function sealErrors(kind: string, scope: string): SealErrors {
  const session = sessionOf(scope)
  const whose = session === undefined ? 'a session' : `session "${session}"`
  const about = session === undefined ? { kind } : { kind, session }
  const error = (code: AuthStateErrorCode, message: string, record?: string) => {
    const made = new AuthStateError(code, message, about)
    // Ids are phone numbers: not enumerable, so that no logger prints it unasked.
    if (record !== undefined) Object.defineProperty(made, 'record', { value: record })
    return made
  }
  return {
    keyMissing: (keyId, record) =>
      error(
        'SEAL_KEY_MISSING',
        `Records of ${whose} are sealed with the key "${keyId}", which is not among the keys of sealed(). Add it there, after the one that writes.`,
        record,
      ),
    corrupt: (keyId, record) =>
      error(
        'RECORD_CORRUPT',
        keyId === undefined
          ? `A stored record of ${whose} is neither sealed nor JSON: it was damaged, or written by a newer version (its name is in the error's record property). ${remedy}`
          : `A stored record of ${whose} can't be unsealed: the key "${keyId}" is not the one that it was sealed with, or it was damaged or altered (its name is in the error's record property). ` +
              `Check that key first. If it is right: ${remedy}`,
        record,
      ),
    sealCorrupt: () =>
      error(
        'RECORD_CORRUPT',
        `The record that says how ${whose} is sealed (!seal) is damaged. Remove that one record from the store: it is made again from the others.`,
      ),
    sealNewer: () =>
      error(
        'SCHEMA_NEWER',
        `Names of ${whose} were hidden by a newer version of baileys-authkit. Update this one.`,
      ),
    otherKey: keyId =>
      error(
        'RECORD_CORRUPT',
        `The key "${keyId}" is not the one with which names of ${whose} were hidden, or the record that says so (!seal) was damaged. ` +
          'Put the right key under that id. If it is right, remove that one record from the store: it is made again from the others.',
      ),
    namesHidden: () =>
      error('STORE_UNUSABLE', `The record names of ${whose} are hidden: pass hideNames: true to sealed().`),
    tooLarge: (bytes, limit) =>
      error(
        'BATCH_TOO_LARGE',
        `One change of ${bytes} bytes, sealed, is more than the ${limit} that this store lands in one piece. Set fewer records at once.`,
      ),
  }
}

const remedy = 'Restore it from a backup, or set it to null to do without it.'
