import type { StoreWarning } from '../../src/store.ts'
import { type Driver, textOf } from './client.ts'

const patterns = ['maxmemory*', 'append*', 'save'] as const

/** What is unsafe about the settings of the server that answers; of a cluster, of one of its nodes. */
export async function warningsOf(driver: Driver): Promise<readonly StoreWarning[]> {
  const answers = await Promise.all(patterns.map(pattern => driver.configGet(pattern).catch(() => undefined)))
  const settings = new Map(answers.flatMap(pairsOf))
  return [...evictionOf(settings), ...persistenceOf(settings)]
}

const notChecked: StoreWarning = {
  code: 'REDIS_NOT_CHECKED',
  message:
    'This Redis does not say how it is set up (CONFIG GET is not allowed), so it could not be looked whether what is ' +
    'acknowledged may vanish. See to it that maxmemory-policy is noeviction, and that appendonly is on.',
}

function evictionOf(settings: ReadonlyMap<string, string>): readonly StoreWarning[] {
  const policy = settings.get('maxmemory-policy')
  if (policy === undefined) return []
  const isLimited = settings.get('maxmemory') !== '0'
  if (!policy.startsWith('allkeys-')) return []
  const when = isLimited ? 'when its memory is full' : 'as soon as somebody sets maxmemory'
  return [
    {
      code: 'REDIS_EVICTS',
      message:
        `This Redis deletes sessions ${when} (maxmemory-policy ${policy}): bots are logged out then. ` +
        'Set maxmemory-policy to noeviction, or keep sessions on a Redis that is no cache.',
    },
  ]
}

function persistenceOf(settings: ReadonlyMap<string, string>): readonly StoreWarning[] {
  const appendOnly = settings.get('appendonly')
  const save = settings.get('save')
  if (appendOnly === undefined) return [notChecked]
  const warning = (code: string, what: string, remedy: string): readonly StoreWarning[] => [
    { code, message: `${what} ${remedy}` },
  ]
  if (appendOnly !== 'yes' && !save) {
    return warning(
      'REDIS_NOT_DURABLE',
      'This Redis keeps nothing on its disk (appendonly no, no save): a restart loses every session.',
      'Set appendonly to yes, and appendfsync to always.',
    )
  }
  if (appendOnly !== 'yes') {
    return warning(
      'REDIS_NOT_DURABLE',
      'This Redis writes to its disk only from time to time (appendonly no): a crash loses minutes, and sessions with old keys fall out of step.',
      'Set appendonly to yes, and appendfsync to always.',
    )
  }
  const fsync = settings.get('appendfsync')
  if (fsync === 'always') return []
  return warning(
    'REDIS_LOSES_SECONDS',
    `This Redis may lose ${fsync === 'everysec' ? 'the last second' : 'the last half minute'} when its machine fails (appendfsync ${fsync}).`,
    'Set appendfsync to always where that must not happen.',
  )
}

/** Flat pairs over RESP2; a map or an object over RESP3, as the client is set up. */
function pairsOf(answer: unknown): readonly (readonly [string, string])[] {
  if (answer instanceof Map) return Array.from(answer, ([name, value]) => [textOf(name), textOf(value)])
  if (!Array.isArray(answer))
    return Object.entries(Object(answer)).map(([name, value]) => [name, textOf(value)])
  const flat: readonly unknown[] = answer.flat()
  return flat.flatMap((name, at) => (at % 2 === 0 ? [[textOf(name), textOf(flat[at + 1])] as const] : []))
}
