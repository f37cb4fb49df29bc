import { AuthStateError, type AuthStateErrorCode, isAuthStateError } from '../../src/errors.ts'

/** The store's kind, in its errors too. */
export const kind = 'mysql'

/** A failure of this store. Messages name the table, never a record. */
export function trouble(code: AuthStateErrorCode, message: string, cause?: unknown): AuthStateError {
  return new AuthStateError(code, message, { kind, cause })
}

/** True for the failure by which a statement says that a guard does not hold: the server undid all of it. */
export function isGuardFailure(error: unknown): boolean {
  return Object(error).errno === 1690
}

/** What to tell of a failure; one that is explained already, or that is a programmer's, is passed on. */
export function explained(error: unknown, doing: 'opened' | 'read' | 'written', table: string): unknown {
  if (isAuthStateError(error) || isOfLanguage(error)) return error
  const { code, what, remedy } = explanationOf(error)
  const passing = doing === 'written' ? 'WRITE_FAILED' : 'READ_FAILED'
  return trouble(
    code ?? passing,
    `The MySQL table ${table} could not be ${doing}: ${what}. ${remedy}.`,
    withoutData(error),
  )
}

/** True where no repetition helps and nothing was changed. */
export function isPermanent(error: unknown): boolean {
  if (!isAuthStateError(error)) return isOfLanguage(error)
  return error.code !== 'READ_FAILED' && error.code !== 'WRITE_FAILED'
}

const firstNotShared = 1900

interface Explanation {
  /** What it is for good; `undefined` where it may pass. */
  readonly code?: AuthStateErrorCode
  readonly what: string
  readonly remedy: string
}

function explanationOf(error: unknown): Explanation {
  const { errno, sqlState, message } = Object(error)
  const known = explanations.find(({ numbers }) => numbers.includes(errno))
  if (known) return known
  if (message === 'Pool is closed.') {
    return { code: 'STORE_UNUSABLE', what: 'its pool was ended', remedy: 'End the pool after the sessions' }
  }
  const what = isOfServer(error) ? `the server says ${nameOf(error)}` : withoutFullStop(messageOf(error))
  // Statements that the server does not understand, and objects that it does not know or does not show.
  return /^(42|28)/.test(String(sqlState))
    ? { code: 'STORE_UNUSABLE', what, remedy: 'Look at the server’s version and at what its user is granted' }
    : { what, remedy: 'Look whether the server runs, and at its error log' }
}

/**
 * The error without the statement and without the server's own words, both of which carry records: what a client says
 * of its connection stays.
 */
function withoutData(error: unknown): Error {
  const { errno, sqlState, code, fatal } = Object(error)
  const bare = new Error(isOfServer(error) ? nameOf(error) : messageOf(error))
  return Object.assign(bare, { code, errno, sqlState, fatal })
}

function isOfLanguage(error: unknown): boolean {
  return error instanceof Error && /^(?:Type|Range|Reference|Syntax)Error$/.test(error.name)
}

function isOfServer(error: unknown): boolean {
  const { sqlState, sqlMessage } = Object(error)
  return sqlState !== undefined || sqlMessage !== undefined
}

function nameOf(error: unknown): string {
  const { code, errno } = Object(error)
  // From here on MySQL and MariaDB number their errors differently, and the client knows only MySQL's.
  return errno < firstNotShared ? `error ${errno} (${code})` : `error ${errno}`
}

function messageOf(error: unknown): string {
  const { message, code } = Object(error)
  return String(message || code || 'the connection failed')
}

function withoutFullStop(sentence: string): string {
  return sentence.replace(/\.$/, '')
}

const explanations: readonly (Explanation & { readonly numbers: readonly number[] })[] = [
  {
    numbers: [1044, 1142, 1143, 1227],
    code: 'STORE_UNUSABLE',
    what: 'its user may not do that',
    remedy: 'Grant it SELECT, INSERT, UPDATE and DELETE on the table, and CREATE until the table stands',
  },
  {
    numbers: [1045, 1130, 1698, 1820, 1862, 3118, 4151],
    code: 'STORE_UNUSABLE',
    what: 'the server does not let its user in',
    remedy: 'Look at user, password and host in the pool’s options',
  },
  {
    numbers: [1046, 1049],
    code: 'STORE_UNUSABLE',
    what: 'the pool names no database, or one that does not exist',
    remedy: 'Create it, and name it in the pool’s option database',
  },
  {
    numbers: [1146],
    code: 'STORE_UNUSABLE',
    what: 'it is not there',
    remedy: 'Restore it if it was dropped by mistake; opening a session creates an empty one',
  },
  {
    numbers: [1153, 1301],
    code: 'BATCH_TOO_LARGE',
    what: 'that is more than the server takes in one packet',
    remedy: 'Raise the server’s max_allowed_packet, or set fewer records at once',
  },
  {
    numbers: [1118],
    code: 'BATCH_TOO_LARGE',
    what: 'that is more than fits the redo log',
    remedy:
      'Raise the server’s innodb_log_file_size (innodb_redo_log_capacity), or set fewer records at once',
  },
  {
    numbers: [1665],
    code: 'STORE_UNUSABLE',
    what: 'the server logs statements, which InnoDB can not do at this isolation level',
    remedy: 'Set the server’s binlog_format to ROW',
  },
  {
    numbers: [1205, 1213],
    what: 'another transaction was in the way',
    remedy: 'End whatever holds rows of the table for long; calls work again as soon as it lets go',
  },
  {
    numbers: [1290, 1792, 1836],
    what: 'the server is read-only',
    remedy: 'Point the pool at the primary',
  },
  {
    numbers: [1021, 1114],
    what: 'no space is left on the server’s disk',
    remedy: 'Free some; what was acknowledged is safe',
  },
  {
    numbers: [1040, 1203, 1226],
    what: 'the server has as many connections as it takes',
    remedy: 'Raise its max_connections, or lower the pools’ connectionLimit',
  },
]
