import assert from 'node:assert/strict'
import fc from 'fast-check'
import { keyMutants } from '../mutants/key-mutants.ts'
import { nameMutants } from '../mutants/name-mutants.ts'
import { memoryBackend } from '../suite/index.ts'
import { type AllKeys, anyAuthGame, playOnAuthState } from './auth-play.ts'
import { everyBackend } from './backends.ts'
import { patienceMs, runs } from './runs.ts'

test.each(everyBackend.map(backend => [backend.name, backend] as const))(
  'an auth state on %s holds what a Map would, through restarts and removals, under any name',
  async (_, backend) => {
    const property = fc.asyncProperty(anyAuthGame, game => playOnAuthState(backend, game))
    await fc.assert(property, { numRuns: runs(backend.name === 'memory' ? 100 : 20) })
  },
  patienceMs,
)

test.each([
  'leave absent ids out',
  'ignore the case of ids',
  "take maps of numbers for bytes, as Baileys 7's BufferJSON does",
])(
  'keys that %s are caught',
  async name => {
    const mutant = keyMutants.find(each => each.name === name)
    assert.ok(mutant !== undefined)
    const breaks = (keys: AllKeys): AllKeys => ({ ...keys, ...mutant.breaks(keys) })
    await isCaught(fc.asyncProperty(anyAuthGame, game => playOnAuthState(memoryBackend(), game, breaks)))
  },
  patienceMs,
)

test.each(['compares names without case', 'cuts names at 191 characters', 'keeps records in a plain object'])(
  'a store that %s is caught',
  async name => {
    const mutant = nameMutants.find(each => each.name === name)
    assert.ok(mutant !== undefined)
    const backend = memoryBackend('mutant', store => mutant.breaks(store))
    await isCaught(fc.asyncProperty(anyAuthGame, game => playOnAuthState(backend, game)))
  },
  patienceMs,
)

async function isCaught(property: fc.IAsyncPropertyWithHooks<[unknown]>): Promise<void> {
  const { errorInstance } = await fc.check(property, { seed: 1, numRuns: 500, endOnFailure: true })
  assert.ok(errorInstance instanceof assert.AssertionError, `nothing was asserted: ${errorInstance}`)
}
