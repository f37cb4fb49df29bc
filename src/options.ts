import type { AuthStateOptions } from './auth-state.ts'
import type { SessionSettings } from './session/open-session.ts'

const shortestTtlMs = 100

/** The options with every default filled in. @throws TypeError that names the option and what it takes */
export function checkOptions(
  options: AuthStateOptions,
): Pick<SessionSettings, 'session' | 'lease' | 'retryForMs' | 'cacheBytes'> {
  checkObject('options', options, ['session', 'logger', 'cache', 'lease', 'retry', 'baileys'])
  const { session, logger, cache, lease = {}, retry = {} } = options
  if (typeof session !== 'string' || session === '') {
    throw new TypeError("option 'session' is required: the session's name, a text that is not empty.")
  }
  if (logger !== undefined && logger !== false && typeof logger?.warn !== 'function') {
    throw new TypeError("option 'logger' takes a logger with pino's methods, or false.")
  }
  if (cache !== undefined) checkObject('cache', cache, ['maxBytes'])
  checkObject('lease', lease, ['ttlMs', 'waitMs', 'onHeld'])
  checkObject('retry', retry, ['forMs'])
  const { ttlMs = 10_000, waitMs = 30_000, onHeld = 'wait' } = lease
  if (onHeld !== 'wait' && onHeld !== 'takeOver')
    throw new TypeError("option 'lease.onHeld' takes 'wait' or 'takeOver'.")
  return {
    session,
    lease: {
      ttlMs: checkNumber('lease.ttlMs', ttlMs, shortestTtlMs, Number.MAX_SAFE_INTEGER),
      waitMs: checkNumber('lease.waitMs', waitMs, 0, Number.POSITIVE_INFINITY),
      onHeld,
    },
    retryForMs: checkNumber('retry.forMs', retry.forMs ?? 30_000, 0, Number.POSITIVE_INFINITY),
    cacheBytes: cache && checkNumber('cache.maxBytes', cache.maxBytes, 0, Number.MAX_SAFE_INTEGER),
  }
}

/** Names what is not an object, or has a property that `known` does not list: a misspelt option must not pass in silence. */
export function checkObject(name: string, value: unknown, known: readonly string[]): void {
  if (typeof value !== 'object' || value === null) throw new TypeError(`option '${name}' takes an object.`)
  const unknownName = Object.keys(value).find(property => !known.includes(property))
  if (unknownName !== undefined) {
    throw new TypeError(`unknown option '${unknownName}' in ${name}; there are: ${known.join(', ')}.`)
  }
}

function checkNumber(name: string, value: unknown, least: number, most: number): number {
  if (typeof value === 'number' && value >= least && value <= most) return value
  throw new TypeError(`option '${name}' takes a number of at least ${least}.`)
}
