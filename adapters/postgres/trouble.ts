import { AuthStateError, type AuthStateErrorCode, isAuthStateError } from '../../src/errors.ts'

/** The store's kind, in its errors too. */
export const kind = 'postgres'

/** A failure of this store. Messages name no record. */
export function trouble(code: AuthStateErrorCode, message: string, cause?: unknown): AuthStateError {
  return new AuthStateError(code, message, { kind, cause })
}

/** What to tell of a driver's error; one that is explained already is passed on. */
export function explained(error: unknown, code: 'STORE_UNUSABLE' | 'READ_FAILED' | 'WRITE_FAILED'): unknown {
  if (isAuthStateError(error) || isOfLanguage(error)) return error
  const reason = reasonOf(error)
  const doing = { STORE_UNUSABLE: 'opened', READ_FAILED: 'read', WRITE_FAILED: 'written' }[code]
  const [what, remedy, weight = 'passing'] = sentenceOf(reason)
  // Opening fails for the moment, too: as a read that is worth repeating.
  const passing = code === 'STORE_UNUSABLE' ? 'READ_FAILED' : code
  return trouble(
    weight === 'passing' ? passing : weight === 'refused' ? code : weight,
    `The PostgreSQL store could not be ${doing}: ${what}. ${remedy}.`,
    bare(error, reason),
  )
}

/** True where no repetition helps and nothing was changed. */
export function isPermanent(error: unknown): boolean {
  if (!isAuthStateError(error)) return isOfLanguage(error)
  if (error.code !== 'READ_FAILED' && error.code !== 'WRITE_FAILED') return true
  const reason = String(Object(error.cause).code)
  return sentenceOf(reason)[2] === 'refused'
}

/** Whether the table, or its schema, is not there. */
export function isMissing(error: unknown): boolean {
  return reasonOf(error) === '42P01'
}

/** Whether a statement was not run since its connection does not know it by its name, or knows another one, or another plan. */
export function isNotPrepared(error: unknown): boolean {
  return ['26000', '42P05', '0A000'].includes(reasonOf(error))
}

/** Whether the statement undid itself because several guarded absences were not all there, see `statements.ts`. */
export function isHalfCreated(error: unknown): boolean {
  return reasonOf(error) === '22012'
}

/** What went wrong: PostgreSQL's SQLSTATE, the system's or the driver's code, or one of ours where they have only words. */
function reasonOf(error: unknown): string {
  const { code, message } = Object(error)
  const words = String(message)
  const spoken = spokenReasons.find(([pattern]) => pattern.test(words))
  // A lost connection comes as words alone, or with the system's code of what broke it.
  if (spoken) return spoken[1]
  if (typeof code !== 'string') return 'UNKNOWN'
  return /^(?:E(?!RR_)[A-Z]{3,}|CONNECTION_(?:CLOSED|DESTROYED))$/.test(code) ? 'LOST' : code
}

const spokenReasons: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^Cannot use a pool after calling end|^write CONNECTION_ENDED/, 'ENDED'],
  [/^Client has encountered a connection error|^Client was closed and is not queryable/, 'DEAD'],
  [/^Connection terminated/, 'LOST'],
  [/^(?:Query read timeout|timeout exceeded when trying to connect|write CONNECT_TIMEOUT)/, 'TIMEOUT'],
]

/**
 * The error as a cause without what drivers hang on to theirs: the statement, its parameters, rows of the table. Its
 * message is kept where it is about the connection or a setting; others may quote a record.
 */
function bare(error: unknown, reason: string): Error {
  const { name, message, code } = Object(error)
  const isHarmless = /^(?:08|28|3D|53|55|57|25)|^42501$|^[A-Z]{4}/.test(reason) && reason !== 'UNKNOWN'
  const cause = new Error(isHarmless ? String(message) : `PostgreSQL or its driver says ${reason}.`)
  Object.defineProperty(cause, 'name', {
    value: typeof name === 'string' ? name : 'Error',
    configurable: true,
  })
  return Object.assign(cause, { code: typeof code === 'string' ? code : reason })
}

function isOfLanguage(error: unknown): boolean {
  // A RangeError of a driver's may be a socket's port or a string too long; it is for good either way.
  return error instanceof Error && /^(?:Type|Range|Reference|Syntax)Error$/.test(error.name)
}

/** `refused`: for good, by the code of the call. A code: for good, under that code. */
type Weight = 'passing' | 'refused' | AuthStateErrorCode
type Sentence = readonly [what: string, remedy: string, weight?: Weight]

function sentenceOf(reason: string): Sentence {
  return (
    sentences[reason] ??
    classes[reason.slice(0, 2)] ?? [
      `PostgreSQL or its driver says ${reason}`,
      'Look into the log of the server',
    ]
  )
}

const unreachable: Sentence = [
  'the server could not be reached, or the connection to it was lost',
  'Calls work again as soon as it can be reached',
]
const tooSlow: Sentence = [
  'it took too long',
  'Look for long locks, and at the timeouts of the client and the role',
]
const leftOpen =
  'End a transaction before its client is released, and pass a Pool, or a Client that is used for nothing else'

const sentences: { readonly [reason: string]: Sentence } = {
  ENDED: ['the client was ended', 'Pass one that is open, and end it after the sessions', 'STORE_UNUSABLE'],
  DEAD: [
    'the connection of the Client was lost, and a Client of pg does not connect again',
    'Pass a Pool, which does, and listen to its error event',
    'STORE_UNUSABLE',
  ],
  LOST: unreachable,
  TIMEOUT: tooSlow,
  TRANSACTION: [
    'its connection was in the middle of a transaction of the caller, so nothing is sure to stay',
    leftOpen,
  ],
  '25006': [
    'it is read-only: a standby, or default_transaction_read_only is on',
    'Connect to the primary, or say: alter role ... set default_transaction_read_only = off',
  ],
  '25P02': ['its connection was in the middle of a transaction of the caller that has failed', leftOpen],
  '28000': ['the server lets this user not in', 'Look at the URL, and at pg_hba.conf', 'STORE_UNUSABLE'],
  '28P01': ['the password is wrong, or the user unknown', 'Look at the URL', 'STORE_UNUSABLE'],
  '3D000': ['the database does not exist', 'Create it, or look at the URL', 'STORE_UNUSABLE'],
  '3F000': [
    'there is no schema to create the table in',
    "Create the one that search_path names, or name one by the option 'schema'",
    'STORE_UNUSABLE',
  ],
  '40001': ['another transaction was faster', 'It is repeated'],
  '40P01': ['another transaction waited for this one', 'It is repeated'],
  '42501': [
    'permission is denied',
    'Grant the role usage on the schema, and select, insert, update and delete on the table, which postgresSchema() says how to create',
    'STORE_UNUSABLE',
  ],
  '42P01': [
    'its table is not there',
    'Restore it if it was dropped by mistake; opening a session creates an empty one',
    'STORE_UNUSABLE',
  ],
  '42P10': ['its table has lost its primary key', 'Add it: primary key (scope, name)', 'STORE_UNUSABLE'],
  '53100': ['its disk is full', 'Make room; what was acknowledged is safe, and calls work again then'],
  '53300': ['it has too many connections', 'Raise max_connections, or let clients have fewer'],
  '55P03': tooSlow,
  '57014': tooSlow,
  XX001: ['its data is damaged', 'Restore the table from a backup', 'STORE_UNUSABLE'],
  XX002: ['an index is damaged', 'Reindex the table', 'STORE_UNUSABLE'],
}

const classes: { readonly [sqlstateClass: string]: Sentence } = {
  '08': unreachable,
  '22': ['PostgreSQL refuses a text', 'Look into the log of the server', 'refused'],
  '42': [
    'PostgreSQL refuses the statement',
    'Look at the table, which postgresSchema() says how to create',
    'refused',
  ],
  '54': ['it is more than PostgreSQL takes at once', 'Set less at once', 'BATCH_TOO_LARGE'],
  '57': ['the server is starting or ending', 'Calls work again as soon as it is up'],
}
