/** One line that a socket logged at level warn, error or fatal. */
export interface LogLine {
  readonly level: 'warn' | 'error' | 'fatal'
  /** The message and, where there is one, that of the error beside it. */
  readonly text: string
  readonly details: unknown
}

/** A logger as Baileys wants one, that prints nothing. */
export interface CollectingLogger {
  level: string
  /** What was logged at level warn and above, by this logger and its children. */
  readonly lines: LogLine[]
  child(bindings: Record<string, unknown>): CollectingLogger
  trace(details: unknown, message?: string): void
  debug(details: unknown, message?: string): void
  info(details: unknown, message?: string): void
  warn(details: unknown, message?: string): void
  error(details: unknown, message?: string): void
  fatal(details: unknown, message?: string): void
}

/** A silent logger that keeps warnings and errors. */
export function collectingLogger(lines: LogLine[] = []): CollectingLogger {
  const keep =
    (level: LogLine['level']) =>
    (details: unknown, message?: string): void => {
      lines.push({ level, text: describe(details, message), details })
    }
  const ignore = (): void => {}
  const logger: CollectingLogger = {
    level: 'silent',
    lines,
    child: () => logger,
    trace: ignore,
    debug: ignore,
    info: ignore,
    warn: keep('warn'),
    error: keep('error'),
    fatal: keep('fatal'),
  }
  return logger
}

function describe(details: unknown, message: string | undefined): string {
  if (typeof details === 'string') return details
  const parts = [message]
  // What is logged is of any shape; these are the names under which Baileys puts errors.
  const fields = (details ?? {}) as { [name: string]: unknown }
  for (const name of ['err', 'error', 'e', 'trace', 'ackErr']) {
    const value = fields[name]
    if (value !== undefined) parts.push(errorText(value))
  }
  return parts.filter(Boolean).join(': ')
}

function errorText(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'message' in value) return String(value.message)
  return String(value)
}
