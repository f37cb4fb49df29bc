import type { Store, StoreWarning } from '../../src/store.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { sealed } from '../../src/stores/sealed.ts'
import { passThrough } from '../suite/pass-through.ts'
import { open } from './support/auth.ts'

const evicts = { code: 'REDIS_EVICTS', message: 'Logins may be evicted. Set maxmemory-policy to noeviction.' }

test('what a store finds unsafe when it opens is logged once for all sessions of the process', async () => {
  const { lines, logger } = collector()
  const store = warning(memoryStore(), [evicts, { code: 'REDIS_EVICTS', message: 'Other.' }])
  const first = await open(store, { logger })
  const second = await open(store, { logger, session: 'another' })
  expect(lines).toEqual([`REDIS_EVICTS: ${evicts.message}`, 'REDIS_EVICTS: Other.'])
  await second.close()
  await first.close()
})

test('a sealed store hands on what the store under it found', async () => {
  const { lines, logger } = collector()
  const store = sealed(warning(memoryStore(), [evicts]), { keys: { k1: new Uint8Array(32) } })
  const auth = await open(store, { logger })
  expect(lines).toEqual([`REDIS_EVICTS: ${evicts.message}`])
  await auth.close()
})

/** A store that finds something when it opens, and not before. */
function warning(inner: Store, found: readonly StoreWarning[]): Store {
  let warnings: readonly StoreWarning[] = []
  return {
    ...passThrough(inner),
    get warnings() {
      return warnings
    },
    async open() {
      await inner.open()
      warnings = found
    },
  }
}

function collector() {
  const lines: string[] = []
  const note = (fields: unknown, message?: string) => lines.push(`${Object(fields).code}: ${message}`)
  return { lines, logger: { debug: () => {}, info: () => {}, warn: note, error: note } }
}
