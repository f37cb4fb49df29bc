import { AuthStateError, type AuthStateErrorCode, isAuthStateError } from '../../src/errors.ts'

/** The store's kind, in its errors too. */
export const kind = 'redis'

/** A failure of this store. Messages name no scope and no record. */
export function trouble(code: AuthStateErrorCode, message: string, cause?: unknown): AuthStateError {
  return new AuthStateError(code, message, { kind, cause })
}

/** What is said where a client has been ended, or not been connected. Nothing was sent. */
export function closed(): AuthStateError {
  return trouble(
    'STORE_UNUSABLE',
    'The Redis client is not connected. With node-redis, call await client.connect() first; end a client only after its sessions.',
  )
}

/** What to tell of an error of the client; an error that is explained already is passed on. */
export function explained(error: unknown, code: 'STORE_UNUSABLE' | 'READ_FAILED' | 'WRITE_FAILED'): unknown {
  if (isAuthStateError(error) || isOfLanguage(error)) return error
  const doing = { STORE_UNUSABLE: 'opened', READ_FAILED: 'read', WRITE_FAILED: 'written' }[code]
  const reason = reasonOf(error)
  const cause = redacted(error, reason)
  const [what, remedy] = reasons[reason ?? ''] ?? [
    reason === undefined ? `its client says: ${cause.message}` : `Redis says ${reason}`,
    'Look at the server, and at its log.',
  ]
  const isForGood = reason !== undefined && unusable.has(reason)
  // Opening fails for the moment, too: as a read that is worth repeating.
  const passing = code === 'STORE_UNUSABLE' && !unusableAtOpen.has(reason ?? '') ? 'READ_FAILED' : code
  return trouble(
    isForGood ? 'STORE_UNUSABLE' : passing,
    `Redis could not be ${doing}: ${what}. ${remedy}`,
    cause,
  )
}

/** True where no repetition helps and nothing was changed. */
export function isPermanent(error: unknown): boolean {
  if (!isAuthStateError(error)) return isOfLanguage(error)
  return error.code !== 'READ_FAILED' && error.code !== 'WRITE_FAILED'
}

/** True where the server has not seen the script yet; then it has done nothing. */
export function isUnknownScript(error: unknown): boolean {
  return reasonOf(error) === 'NOSCRIPT'
}

/** The word that Redis begins an error with, or one of ours. */
function reasonOf(error: unknown): string | undefined {
  const { message, code } = Object(error)
  const text = String(message)
  // Of a command in a script, not of the script.
  if (/user executing the script can't/.test(text)) return 'NOPERM'
  if (/unknown command|This Redis command is not allowed/i.test(text)) return 'COMMAND'
  // Redis 6 wraps what a command in a script says.
  const inScript = /^ERR Error running script.*@user_script:\s*\d+: -?([A-Z]{3,})\b/.exec(text)?.[1]
  if (inScript !== undefined) return inScript
  const word = /^-?([A-Z][A-Z0-9]{2,}) /.exec(text)?.[1]
  if (word !== undefined) return word
  return typeof code === 'string' && /^E[A-Z]+$/.test(code) ? code : undefined
}

/**
 * What may be told of a client's error. It is never passed on itself: those of ioredis carry the command with all its
 * arguments, and an answer's text may repeat them.
 */
function redacted(error: unknown, reason: string | undefined): Error {
  const { name, message, code } = Object(error)
  const isAnswer = /^-?[A-Z][A-Z0-9]{2,} /.test(String(message))
  const told = new Error(isAnswer ? `Redis says ${reason}` : String(message))
  told.name = typeof name === 'string' ? name : 'Error'
  return Object.assign(told, typeof code === 'string' ? { code } : {})
}

function isOfLanguage(error: unknown): boolean {
  return error instanceof Error && /^(?:Type|Range|Reference|Syntax)Error$/.test(error.name)
}

/** Nothing to work with, whenever it is met. */
const unusable: ReadonlySet<string> = new Set(['WRONGTYPE', 'CROSSSLOT', 'COMMAND'])

const unusableAtOpen: ReadonlySet<string> = new Set([...unusable, 'NOAUTH', 'WRONGPASS', 'NOPERM'])

const login = [
  'it refuses the name or the password',
  'Give the client the right ones; a server with an ACL wants both',
] as const
const away = [
  'nothing answers at its address',
  'Look whether it runs, and whether the client has the right host and port',
] as const

const reasons: { readonly [reason: string]: readonly [what: string, remedy: string] } = sentences({
  WRONGTYPE: [
    'another program has put something else under a key of this store',
    'Give the store a prefix of its own (the option prefix)',
  ],
  CROSSSLOT: [
    "the cluster keeps a script's keys on different nodes",
    'Take braces out of the prefix and of the client’s keyPrefix',
  ],
  COMMAND: [
    'the server does not have or allow a command that is needed',
    'Allow EVAL and EVALSHA; a proxy in front of the server has to know them too',
  ],
  NOAUTH: login,
  WRONGPASS: login,
  NOPERM: [
    "the client's user may not do this",
    'Allow it: ACL SETUSER <user> ~<prefix>* +@read +@write +@scripting +@connection +info +cluster +config|get',
  ],
  OOM: [
    'it has used all of its maxmemory',
    'Give it more, or set maxmemory to 0; what was acknowledged is there',
  ],
  MISCONF: ['it can not save its data to its disk', 'Look at the disk, and at the log of the server'],
  READONLY: [
    'this is a replica',
    'Connect to the master; calls work again when the client has found it after a failover',
  ],
  MASTERDOWN: ['this is a replica, and its master is down', 'Connect to the master'],
  NOREPLICAS: [
    'too few replicas are connected to take writes (min-replicas-to-write)',
    'Look at the replicas',
  ],
  LOADING: ['it is reading its data from the disk', 'Wait; calls work again as soon as it has'],
  BUSY: [
    'a script of another program keeps it busy',
    'Find that script, and end it with SCRIPT KILL; calls work again then',
  ],
  CLUSTERDOWN: [
    'the cluster is down, or some of its slots have no master',
    'Look at CLUSTER INFO on its nodes',
  ],
  TRYAGAIN: ['the cluster is moving the slot', 'Wait; calls work again in a moment'],
  ECONNREFUSED: away,
  ENOTFOUND: away,
  EHOSTUNREACH: away,
  ETIMEDOUT: away,
})

function sentences(from: { readonly [reason: string]: readonly [string, string] }): {
  readonly [reason: string]: readonly [what: string, remedy: string]
} {
  return Object.fromEntries(
    Object.entries(from).map(([reason, [what, remedy]]) => [reason, [what, `${remedy}.`]]),
  )
}
