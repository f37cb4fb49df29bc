import type { AuthStateOptions, BindOptions, CacheOptions } from './auth-state.ts'
import type { SessionSettings } from './session/open-session.ts'
import type { Store } from './store.ts'

/** The options that every way to open a session has. */
export const commonOptions: readonly string[] = ['logger', 'cache', 'lease', 'retry', 'baileys']

const shortestTtlMs = 100
const longestTtlMs = 24 * 60 * 60_000

/** The options with every default filled in. @throws TypeError that names the option and what it takes */
export function checkOptions(
  options: AuthStateOptions,
): Pick<SessionSettings, 'session' | 'lease' | 'retryForMs' | 'cache'> {
  checkObject('options', options, ['session', ...commonOptions])
  const { session, logger, cache = {}, lease = {}, retry = {} } = options
  if (typeof session !== 'string' || session === '') {
    throw new TypeError("option 'session' is required: the session's name, a text that is not empty.")
  }
  if (logger !== undefined && logger !== false && !isLogger(logger)) {
    throw new TypeError("option 'logger' takes a logger with pino's methods, or false.")
  }
  checkObject('cache', cache, ['maxBytes', 'preload'])
  checkObject('lease', lease, ['ttlMs', 'waitMs', 'onHeld'])
  checkObject('retry', retry, ['forMs'])
  const { maxBytes, preload = true }: CacheOptions = cache
  if (typeof preload !== 'boolean') throw new TypeError("option 'cache.preload' takes true or false.")
  const { forMs = 30_000 } = retry
  const { ttlMs = 10_000, waitMs = 30_000, onHeld = 'wait' } = lease
  if (onHeld !== 'wait' && onHeld !== 'takeOver')
    throw new TypeError("option 'lease.onHeld' takes 'wait' or 'takeOver'.")
  return {
    session,
    lease: {
      ttlMs: checkNumber('lease.ttlMs', ttlMs, shortestTtlMs, longestTtlMs),
      waitMs: checkNumber('lease.waitMs', waitMs, 0, Number.POSITIVE_INFINITY),
      onHeld,
    },
    retryForMs: checkNumber('retry.forMs', forMs, 0, Number.POSITIVE_INFINITY),
    cache: {
      maxBytes:
        maxBytes === undefined
          ? undefined
          : checkNumber('cache.maxBytes', maxBytes, 0, Number.MAX_SAFE_INTEGER),
      preload,
    },
  }
}

/** The options of `bind` with every default filled in. @throws TypeError that names the option and what it takes */
export function checkBindOptions(
  options: BindOptions,
): BindOptions & Required<Pick<BindOptions, 'onLoggedOut'>> {
  checkObject('options', options, ['onFatal', 'onLoggedOut'])
  const { onFatal, onLoggedOut = 'keep' } = options
  if (onFatal !== undefined && typeof onFatal !== 'function')
    throw new TypeError("option 'onFatal' takes a function.")
  if (onLoggedOut !== 'keep' && onLoggedOut !== 'remove')
    throw new TypeError("option 'onLoggedOut' takes 'keep' or 'remove'.")
  return { ...options, onLoggedOut }
}

/** @throws TypeError where a store should be and is none: a client of a database, for example */
export function checkStore(store: Store): void {
  const isStore = typeof store?.read === 'function' && typeof store.write === 'function' && 'limits' in store
  if (!isStore)
    throw new TypeError('useAuthState takes a store first: memoryStore(), for example, not a client.')
}

/** Names what is not an object, or has a property that `known` does not list: a misspelt option must not pass in silence. */
export function checkObject(name: string, value: unknown, known: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError(
      name === 'options' ? 'the options must be an object.' : `option '${name}' takes an object.`,
    )
  const unknownName = Object.keys(value).find(property => !known.includes(property))
  if (unknownName !== undefined) {
    throw new TypeError(`unknown option '${unknownName}' in ${name}; there are: ${known.join(', ')}.`)
  }
}

function checkNumber(name: string, value: unknown, least: number, most: number): number {
  if (typeof value === 'number' && value >= least && value <= most) return value
  const range = most < Number.MAX_SAFE_INTEGER ? `from ${least} to ${most}` : `of at least ${least}`
  throw new TypeError(`option '${name}' takes a number ${range}.`)
}

function isLogger(value: object): boolean {
  return ['warn', 'error'].every(method => typeof Object(value)[method] === 'function')
}
