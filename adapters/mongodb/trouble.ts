import { AuthStateError, type AuthStateErrorCode, isAuthStateError } from '../../src/errors.ts'

/** The store's kind, in its errors too. */
export const kind = 'mongodb'

/** A failure of this store. Messages name the collection at most, never a record. */
export function trouble(code: AuthStateErrorCode, message: string, cause?: unknown): AuthStateError {
  return new AuthStateError(code, message, { kind, cause })
}

/** What to tell of an error of the driver, without the filters, documents and ids that it carries. */
export function explained(error: unknown, code: 'READ_FAILED' | 'WRITE_FAILED'): unknown {
  if (isAuthStateError(error) || isOfLanguage(error)) return error
  const clean = cleaned(error)
  const reason = isOfOtherIndex(error) ? otherIndex : reasons[clean.code]
  const [what, remedy] = reason ?? [says(clean), 'Look at the server, and at the network to it.']
  const doing = code === 'READ_FAILED' ? 'read' : 'written'
  return trouble(
    reason ? 'STORE_UNUSABLE' : code,
    `The MongoDB collection could not be ${doing}: ${what}. ${remedy}`,
    clean,
  )
}

/** True where no repetition helps and nothing was changed. */
export function isPermanent(error: unknown): boolean {
  if (isAuthStateError(error)) return error.code !== 'READ_FAILED' && error.code !== 'WRITE_FAILED'
  return isOfLanguage(error)
}

/** What the server answered, by its number; undefined for an error that is not the server's. */
export function numberOf(error: unknown): number | undefined {
  const { code } = Object(error)
  return typeof code === 'number' ? code : undefined
}

/** True where a document with the same `_id` exists; not where an index of the operator's refuses a document. */
export function isDuplicate(error: unknown): boolean {
  return isOfUniqueIndex(error) && isOnId(error)
}

/**
 * Which operations of a `bulkWrite` found a document with their `_id` in their place, where that is all that failed;
 * `undefined` where something else did.
 */
export function duplicatesOf(error: unknown): ReadonlySet<number> | undefined {
  const { result, err } = Object(error)
  const failed = failedOf(error)
  const concern = err?.constructor?.name === 'WriteConcernError' || result?.getWriteConcernError?.()
  if (failed.length === 0 || !failed.every(isDuplicate) || concern) return undefined
  return new Set(failed.map(each => Number(Object(each).index)))
}

/** What failed of a `bulkWrite`. */
function failedOf(error: unknown): readonly unknown[] {
  const { writeErrors } = Object(error)
  return writeErrors === undefined ? [] : [writeErrors].flat()
}

function isOfOtherIndex(error: unknown): boolean {
  const failed = failedOf(error)
  return (failed.length > 0 ? failed : [error]).some(each => isOfUniqueIndex(each) && !isOnId(each))
}

function isOfUniqueIndex(error: unknown): boolean {
  return numberOf(error) === 11000
}

/** Whether it was the index on `_id`; one whose server does not say so is taken for another, which loses nothing. */
function isOnId(error: unknown): boolean {
  const { keyPattern, errmsg, message } = Object(error)
  if (keyPattern) return Object.hasOwn(keyPattern, '_id')
  // Of a bulkWrite's errors the driver passes on the words alone: `... index: _id_ dup key: { ...`. What follows the
  // first of these is of the server; a key may say anything. A clustered collection's index has no name.
  const [, index = ''] = String(errmsg ?? message).split(' index: ')
  return /^(?:_id_)? dup key: /.test(index)
}

/** What may be known of an error: its name, its number, and the words of the network's. */
class CleanError extends Error {
  override readonly name: string
  readonly code: string

  constructor(name: string, code: string, message: string) {
    super(message)
    this.name = name
    this.code = code
  }
}

function isOfLanguage(error: unknown): boolean {
  return /^(?:Type|Range|Reference|Syntax)Error$/.test(String(Object(error).name))
}

function cleaned(error: unknown): CleanError {
  // Of what a bulkWrite met, a document that is there is the least.
  const { code: given } = Object(failedOf(error).find(each => !isDuplicate(each)) ?? error)
  const { codeName } = Object(error)
  const name = String(Object(error).name ?? 'Error')
  const isOfSystem = typeof given === 'string' && /^E[A-Z_]+$/.test(given)
  const code = isOfSystem || typeof given === 'number' ? String(given) : name
  // Those of the network and of finding a server tell hosts and ports; those of the server quote what was sent.
  const isNetwork = isOfSystem || /^Mongo(?:Network|ServerSelection)/.test(name)
  const words = isNetwork ? String(Object(error).message) : typeof codeName === 'string' ? codeName : name
  return new CleanError(name, code, words)
}

function says({ code, message }: CleanError): string {
  return /^\d+$/.test(code) ? `MongoDB says ${code} ${message}` : message.replace(/\.$/, '')
}

const closed = [
  'its client was closed',
  'Pass a collection of an open client, and close it after the sessions.',
] as const
const denied = [
  'the user may not do that',
  'Give it the role readWrite on the database, and look at the name and password in the URL.',
] as const
const otherIndex = [
  'it has a unique index on something else than _id, which refuses a document',
  'Drop that index, or name a collection of its own; what was acknowledged is safe, and follows.',
] as const
const tooLarge = ['a document would be larger than MongoDB takes', 'Set less at once.'] as const

const reasons: { readonly [code: string]: readonly [what: string, remedy: string] } = {
  MongoNotConnectedError: closed,
  MongoClientClosedError: closed,
  13: denied,
  18: denied,
  8000: denied,
  73: ['its name is none that MongoDB takes', 'Name another collection.'],
  121: ['a validator refuses the document', 'Take the validator away, or use a collection of its own.'],
  166: ['it is a view', 'Name a collection.'],
  10334: tooLarge,
  17419: tooLarge,
  17420: tooLarge,
}
