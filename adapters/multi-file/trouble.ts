import { AuthStateError, type AuthStateErrorCode, isAuthStateError } from '../../src/errors.ts'
import { hasCode } from './file-system.ts'

/** The store's kind, in its errors too. */
export const kind = 'multi-file'

/** Thrown where another owner, or a removal, moved the data while it was looked at: look again. */
export class Moved extends Error {}

/** A failure of this store. Messages name the folder, never a record. */
export function trouble(code: AuthStateErrorCode, message: string, cause?: unknown): AuthStateError {
  return new AuthStateError(code, message, { kind, cause })
}

/** What to tell of an error of the file system; every other error is passed on. */
export function explained(error: unknown, code: AuthStateErrorCode, folder: string): unknown {
  if (isAuthStateError(error) || !isSystemError(error)) return error
  const doing = code === 'READ_FAILED' ? 'read' : 'written'
  const [what, remedy] = reasons[error.code] ?? [
    `the file system says ${error.code}`,
    'Look at the disk and at the permissions of the folder.',
  ]
  return trouble(code, `The folder ${folder} could not be ${doing}: ${what}. ${remedy}`, error)
}

/** True where no repetition helps and nothing was changed. */
export function isPermanent(error: unknown): boolean {
  if (!isAuthStateError(error)) {
    return error instanceof Error && /^(?:Type|Range|Reference|Syntax)Error$/.test(error.name)
  }
  if (error.code !== 'READ_FAILED' && error.code !== 'WRITE_FAILED') return true
  // On Windows a virus scanner that holds a file looks like a missing permission, for a moment.
  if (process.platform === 'win32') return false
  return hasCode(error.cause, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENAMETOOLONG')
}

function isSystemError(error: unknown): error is { code: string } {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    typeof error.code === 'string' &&
    'syscall' in error
  )
}

const permission = 'Let the user that the bot runs as read and write the folder and all in it.'
const reasons: { readonly [code: string]: readonly [what: string, remedy: string] } = {
  ENOSPC: ['no space is left on its disk', 'Free some; what was acknowledged is safe.'],
  EDQUOT: ['its disk quota is used up', 'Free some; what was acknowledged is safe.'],
  EROFS: ['its file system is read-only', 'Mount it so that it can be written.'],
  EACCES: ['permission is denied', permission],
  EPERM: ['permission is denied', permission],
  EMFILE: ['this process has too many open files', 'Raise its limit (ulimit -n).'],
  ENFILE: ['the system has too many open files', 'Raise its limit (fs.file-max).'],
  ENOTDIR: ['a file is where a folder should be', 'Move that file away, or name another folder.'],
  EISDIR: ['a folder is where a file should be', 'Move that folder away.'],
  EIO: ['its disk reports an error', 'Replace the disk, and restore the folder from a backup if need be.'],
}
