import type { Store } from '../src/store.ts'
import { batchMutants } from './mutants/batch-mutants.ts'
import { endMutants } from './mutants/end-mutants.ts'
import { guardMutants } from './mutants/guard-mutants.ts'
import { nameMutants } from './mutants/name-mutants.ts'
import { readMutants } from './mutants/read-mutants.ts'
import { storeSuite } from './suite/index.ts'
import { memoryBackend } from './suite/memory-backend.ts'

const mutants = [...batchMutants, ...guardMutants, ...readMutants, ...nameMutants, ...endMutants]

describe('a store that', () => {
  for (const { name, caughtBy, breaks } of mutants) {
    test(`${name} is caught by "${caughtBy}"`, async () => {
      const run = caseOf(casesOn(breaks), caughtBy)
      await expect(run()).rejects.toThrow()
    })
  }
})

test('no mutant fails because of the wrapper it is made of: the store unbroken passes every case', async () => {
  for (const [, run] of casesOn(store => store)) await run()
})

test('every promise has a mutant that breaks it', () => {
  const broken = new Set(mutants.map(mutant => Number.parseInt(mutant.caughtBy, 10)))
  expect(Array.from(broken).sort((left, right) => left - right)).toEqual([
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
  ])
})

type Cases = Map<string, () => Promise<void>>

function casesOn(breaks: (store: Store) => Store): Cases {
  const cases: Cases = new Map()
  storeSuite({ test: (name, run) => cases.set(name, run), backend: memoryBackend('mutant', breaks) })
  return cases
}

function caseOf(cases: Cases, caughtBy: string): () => Promise<void> {
  const [number, name] = [caughtBy.slice(0, caughtBy.indexOf(':')), caughtBy.slice(caughtBy.indexOf(':'))]
  for (const [full, run] of cases) {
    if (full.startsWith(`mutant store, ${number} `) && full.endsWith(name)) return run
  }
  throw new TypeError(`No case is called "${caughtBy}".`)
}
