import type { Logger } from './auth-types.ts'

/** Where warnings and errors go: never with a value or a record's name. */
export interface Log {
  warn(code: string, message: string, error?: unknown): void
  error(code: string, message: string, error?: unknown): void
}

const quietMs = 60_000
const lastEmitted = new Map<string, number>()

/**
 * The log of one session: the caller's logger; nothing at all for `false`; and without a logger Node's own warnings,
 * at most one a minute for each code, so that the user of a drop-in sees a lost lease.
 */
export function createLog(
  logger: Logger | false | undefined,
  about: { kind: string; session?: string },
): Log {
  if (logger === false) return { warn: () => {}, error: () => {} }
  if (logger === undefined) return { warn: emitWarning, error: emitWarning }
  const fields = (code: string, error: unknown) => ({
    ...about,
    code,
    ...(error === undefined ? {} : { err: error }),
  })
  return {
    warn: (code, message, error) => logger.warn(fields(code, error), message),
    error: (code, message, error) => logger.error(fields(code, error), message),
  }
}

function emitWarning(code: string, message: string): void {
  const now = performance.now()
  if (now - (lastEmitted.get(code) ?? Number.NEGATIVE_INFINITY) < quietMs) return
  lastEmitted.set(code, now)
  process.emitWarning(message, { type: 'BaileysAuthkitWarning', code })
}
