import { accessSync, constants } from 'node:fs'
import { dirname } from 'node:path'
import { AuthStateError, type AuthStateErrorCode, isAuthStateError } from '../../src/errors.ts'

/** The store's kind, in its errors too. */
export const kind = 'sqlite'

/** A failure of this store. Messages name the file, never a record. */
export function trouble(code: AuthStateErrorCode, message: string, cause?: unknown): AuthStateError {
  return new AuthStateError(code, message, { kind, cause })
}

/** How messages call a database: by its path, where it has one that is known. */
export function nameOf(path: string | undefined): string {
  return path === undefined ? 'The database' : `The database ${path}`
}

/** What to tell of an error of the driver or the file system; an error that is explained already is passed on. */
export function explained(
  error: unknown,
  code: 'STORE_UNUSABLE' | 'READ_FAILED' | 'WRITE_FAILED',
  path: string | undefined,
): unknown {
  if (isAuthStateError(error)) return error
  const cause = reasonOf(error) === 'CANTOPEN' ? (denial(path) ?? error) : error
  const reason = reasonOf(cause)
  if (reason === undefined) return error
  const doing = { STORE_UNUSABLE: 'opened', READ_FAILED: 'read', WRITE_FAILED: 'written' }[code]
  const [what, remedy] = reasons[reason] ?? [
    `SQLite says ${reason}`,
    'Look at the disk, and at the permissions of the file and its folder.',
  ]
  const isForGood = unusable.has(reason)
  // Opening fails for the moment, too: as a read that is worth repeating.
  const passing = code === 'STORE_UNUSABLE' && !permanent.has(reason) ? 'READ_FAILED' : code
  return trouble(
    isForGood ? 'STORE_UNUSABLE' : passing,
    `${nameOf(path)} could not be ${doing}: ${what}. ${remedy}`,
    cause,
  )
}

/** True where no repetition helps and nothing was changed. */
export function isPermanent(error: unknown): boolean {
  if (!isAuthStateError(error)) {
    return error instanceof Error && /^(?:Type|Range|Reference|Syntax)Error$/.test(error.name)
  }
  if (error.code !== 'READ_FAILED' && error.code !== 'WRITE_FAILED') return true
  return permanent.has(reasonOf(error.cause) ?? '')
}

/** True while another connection, or the caller's own transaction, is in the way: the same may succeed in a moment. */
export function isInTheWay(error: unknown): boolean {
  return /^(BUSY|LOCKED|PROTOCOL|TRANSACTION)$/.test(reasonOf(error) ?? '')
}

/** True for a failure of one batch, which others in its transaction need not share. */
export function isOfOneBatch(error: unknown): boolean {
  return !/^(BUSY|LOCKED|PROTOCOL|NOMEM|READONLY|IOERR|CORRUPT|FULL|CANTOPEN|NOTADB|CLOSED)$/.test(
    reasonOf(error) ?? '',
  )
}

/** SQLite's primary result code without its prefix, whichever driver says it; the file system's code; or one of ours. */
function reasonOf(error: unknown): string | undefined {
  const { code, errcode, message } = Object(error)
  // Both drivers say it only in words, and neither words nor a caller's database object have another way to tell.
  if (/within a transaction|connection is busy/.test(String(message))) return 'TRANSACTION'
  if (/(connection|database) is not open/.test(String(message))) return 'CLOSED'
  if (typeof errcode === 'number') return resultCodes[errcode & 0xff] ?? `error ${errcode & 0xff}`
  if (typeof code !== 'string') return undefined
  return /^SQLITE_([A-Z]+)/.exec(code)?.[1] ?? (/^E[A-Z]+$/.test(code) ? code : undefined)
}

/** SQLite can't tell why a file does not open; what the file system says of it does. */
function denial(path: string | undefined): unknown {
  if (path === undefined) return undefined
  try {
    accessSync(dirname(path), constants.R_OK | constants.W_OK | constants.X_OK)
    accessSync(path, constants.R_OK | constants.W_OK)
    return undefined
  } catch (error) {
    return error
  }
}

const resultCodes: { readonly [code: number]: string } = {
  1: 'ERROR',
  3: 'PERM',
  5: 'BUSY',
  6: 'LOCKED',
  7: 'NOMEM',
  8: 'READONLY',
  10: 'IOERR',
  11: 'CORRUPT',
  13: 'FULL',
  14: 'CANTOPEN',
  15: 'PROTOCOL',
  18: 'TOOBIG',
  19: 'CONSTRAINT',
  23: 'AUTH',
  26: 'NOTADB',
}

/** No database, or none any more. */
const unusable: ReadonlySet<string> = new Set(['CORRUPT', 'NOTADB', 'CLOSED', 'ENOTDIR', 'EEXIST', 'EISDIR'])

const permanent: ReadonlySet<string> = new Set([
  ...unusable,
  'READONLY',
  'PERM',
  'AUTH',
  'TOOBIG',
  'EROFS',
  'EACCES',
  'EPERM',
  'ELOOP',
  'ENAMETOOLONG',
])

const locked = [
  'another program holds its lock',
  'End what has it open for long, a database browser or a backup for example; calls work again as soon as it lets go',
] as const
const readOnly = [
  'it is read-only',
  'Let the user that the bot runs as write the file and its folder, and open it for writing',
] as const
const permission = [
  'permission is denied',
  'Let the user that the bot runs as read and write the file and its folder',
] as const
const notAFolder = [
  'a file is where a folder should be',
  'Move that file away, or name another path',
] as const

const reasons: { readonly [reason: string]: readonly [what: string, remedy: string] } = sentences({
  BUSY: locked,
  LOCKED: locked,
  PROTOCOL: locked,
  TRANSACTION: [
    'the program that passed it has a transaction or a query of its own open on it',
    'End transactions without waiting for anything in between, or pass a connection that is used for nothing else',
  ],
  CLOSED: ['it was closed', 'Pass one that is open, and close it after the sessions'],
  FULL: [
    'no space is left on its disk, or it has reached its max_page_count',
    'Make room; what was acknowledged is safe, and calls work again as soon as there is some',
  ],
  READONLY: readOnly,
  EROFS: ['its file system is read-only', 'Mount it so that it can be written'],
  PERM: permission,
  EACCES: permission,
  EPERM: permission,
  AUTH: ['SQLite was told to refuse it', 'Take the authorizer away'],
  CORRUPT: [
    'it is damaged',
    'Nothing was made anew. Restore it from a backup, or save what can be read: sqlite3 bots.db .recover | sqlite3 new.db',
  ],
  NOTADB: [
    'the file is no SQLite database, or an encrypted or damaged one',
    'Nothing was made anew. Name another path, restore it from a backup, or try: sqlite3 bots.db .recover | sqlite3 new.db',
  ],
  CANTOPEN: [
    'SQLite can not open one of its files',
    'Look whether its folder is there, and whether this process has too many open files (ulimit -n)',
  ],
  EMFILE: ['this process has too many open files', 'Raise its limit (ulimit -n)'],
  IOERR: [
    'its disk reports an error',
    'Look at the disk, and restore the database from a backup if it is broken',
  ],
  NOMEM: ['no memory is left', 'Give the process more'],
  TOOBIG: ['one record is larger than SQLite takes', 'Set less at once'],
  ENOTDIR: notAFolder,
  EEXIST: notAFolder,
  EISDIR: ['a folder is where the file should be', 'Move that folder away, or name another path'],
  ENOSPC: ['no space is left on its disk', 'Free some; what was acknowledged is safe'],
})

function sentences(from: { readonly [reason: string]: readonly [string, string] }): {
  readonly [reason: string]: readonly [what: string, remedy: string]
} {
  return Object.fromEntries(
    Object.entries(from).map(([reason, [what, remedy]]) => [reason, [what, `${remedy}.`]]),
  )
}
