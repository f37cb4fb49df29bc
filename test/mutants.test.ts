import * as baileys from '@whiskeysockets/baileys'
import type { Store } from '../src/store.ts'
import { batchMutants } from './mutants/batch-mutants.ts'
import { endMutants } from './mutants/end-mutants.ts'
import { guardMutants } from './mutants/guard-mutants.ts'
import { keyMutants } from './mutants/key-mutants.ts'
import { nameMutants } from './mutants/name-mutants.ts'
import { readMutants } from './mutants/read-mutants.ts'
import { sessionMutants } from './mutants/session-mutants.ts'
import { authStateSuite, memoryBackend, type SuiteKeys, storeSuite } from './suite/index.ts'

const storeMutants = [...batchMutants, ...guardMutants, ...readMutants, ...nameMutants, ...endMutants]
const promises = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]

describe('a store that', () => {
  test.each(storeMutants)('$name is caught by "$caughtBy"', async ({ breaks, caughtBy }) => {
    await expect(caseOf(storeCases(breaks), caughtBy)()).rejects.toThrow()
  })

  test('is not broken passes every case', async () => {
    for (const run of storeCases(store => store).values()) await run()
  })

  test('breaks a promise is among the mutants, for each promise', () => {
    expect(promisesOf(storeMutants)).toEqual(promises)
  })
})

describe('under an auth state, a store that', () => {
  test.each(sessionMutants)('$name is caught by "$caughtBy"', async ({ breaks, caughtBy }) => {
    await expect(caseOf(authStateCases({ breaks }), caughtBy)()).rejects.toThrow()
  })
})

describe('keys that', () => {
  test.each(keyMutants)('$name are caught by "$caughtBy"', async ({ breaks, caughtBy }) => {
    await expect(caseOf(authStateCases({ wrap: breaks }), caughtBy)()).rejects.toThrow()
  })

  test('are wrapped and not broken pass every case that a mutant is meant for', async () => {
    const cases = authStateCases({ breaks: store => store, wrap: keys => ({ ...keys }) })
    for (const { caughtBy } of [...keyMutants, ...sessionMutants]) await caseOf(cases, caughtBy)()
  })

  test('or stores that break a promise of the auth state are among the mutants, for each promise', () => {
    expect(promisesOf([...keyMutants, ...sessionMutants])).toEqual(promises)
  })
})

type Cases = Map<string, () => Promise<void>>

function storeCases(breaks: (store: Store) => Store): Cases {
  const cases: Cases = new Map()
  storeSuite({ test: (name, run) => cases.set(name, run), backend: memoryBackend('mutant', breaks) })
  return cases
}

function authStateCases(mutant: {
  breaks?: (store: Store) => Store
  wrap?: (keys: SuiteKeys) => SuiteKeys
}): Cases {
  const { breaks = store => store, wrap = keys => keys } = mutant
  const cases: Cases = new Map()
  const test = (name: string, run: () => Promise<void>) => cases.set(name, run)
  authStateSuite({
    test,
    backend: memoryBackend('mutant', breaks),
    baileys,
    through: { name: 'wrapper', wrap },
  })
  return cases
}

function caseOf(cases: Cases, caughtBy: string): () => Promise<void> {
  const colon = caughtBy.indexOf(':')
  const [number, name] = [caughtBy.slice(0, colon), caughtBy.slice(colon)]
  for (const [full, run] of cases) if (full.includes(`, ${number} `) && full.endsWith(name)) return run
  throw new TypeError(`No case is called "${caughtBy}".`)
}

function promisesOf(mutants: readonly { readonly caughtBy: string }[]): number[] {
  const numbers = new Set(mutants.map(({ caughtBy }) => Number.parseInt(caughtBy, 10)))
  return Array.from(numbers).sort((left, right) => left - right)
}
