import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Store } from '../../src/store.ts'
import { batchMutants } from '../mutants/batch-mutants.ts'
import { guardMutants } from '../mutants/guard-mutants.ts'
import { nameMutants } from '../mutants/name-mutants.ts'
import { readMutants } from '../mutants/read-mutants.ts'
import { memoryBackend } from '../suite/index.ts'
import { everyBackend } from './backends.ts'
import { patienceMs, runs } from './runs.ts'
import { anyStoreGame, playOnStore } from './store-play.ts'

test.each(everyBackend.map(backend => [backend.name, backend] as const))(
  '%s holds what a Map would, whatever is written, read, listed and removed, under any name',
  async (_, backend) => {
    const property = fc.asyncProperty(anyStoreGame, game => playOnStore(backend, game))
    await fc.assert(property, { numRuns: runs(backend.name === 'memory' ? 200 : 40) })
  },
  patienceMs,
)

const mutants = [...batchMutants, ...guardMutants, ...nameMutants, ...readMutants]

test.each([
  'forgets removals',
  'applies a half of the batch when its guard fails',
  'ignores guards',
  'looks at the first guard only',
  'compares names without case',
  'strips control characters from texts',
  'takes the prefix of a list for a pattern',
  'gives values in the order of its index',
  'takes an empty text for absent',
])(
  'a store that %s is caught',
  async name => {
    const breaks = mutants.find(mutant => mutant.name === name)?.breaks
    assert.ok(breaks !== undefined)
    const backend = memoryBackend('mutant', (store: Store) => breaks(store))
    const property = fc.asyncProperty(anyStoreGame, game => playOnStore(backend, game))
    const { errorInstance } = await fc.check(property, { seed: 1, numRuns: 1000, endOnFailure: true })
    assert.ok(errorInstance instanceof assert.AssertionError, `nothing was asserted: ${errorInstance}`)
  },
  patienceMs,
)
