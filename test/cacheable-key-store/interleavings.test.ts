import assert from 'node:assert/strict'
import fc from 'fast-check'
import { anySteps, play, type StepCache } from './interleavings.ts'
import { baileys6Cache, baileys7Cache, cacheable } from './wrappers.ts'

const numRuns = Math.ceil(400 * Number(process.env.AUTHKIT_FUZZ_RUNS ?? 1))

// Thousands of turns of the event loop, beside other tests.
const patience = Math.ceil(60_000 * Math.max(1, Number(process.env.AUTHKIT_FUZZ_RUNS ?? 1)))

test(
  'whatever is got was in the store between the beginning of the get and its end, in any interleaving',
  async () => {
    const property = fc.asyncProperty(anySteps, steps => play(steps, store => cacheable(store)))
    await fc.assert(property, { numRuns })
  },
  patience,
)

test(
  "the same holds with a cache of the caller's that is slow, fails, and does things in any order",
  async () => {
    const property = fc.asyncProperty(
      anySteps,
      fc.array(fc.boolean(), { maxLength: 20 }),
      (steps, failures) => {
        const cache = unreliableCache(failures)
        return play(steps, store => cacheable(store, cache), cache)
      },
    )
    await fc.assert(property, { numRuns })
  },
  patience,
)

test.each([
  ['6.7', baileys6Cache],
  ['7', baileys7Cache],
])(
  'it does not hold for the cache of Baileys %s',
  async (_, wrap) => {
    const property = fc.asyncProperty(anySteps, steps => play(steps, store => wrap(store)))
    const { failed, errorInstance } = await fc.check(property, { seed: 1, numRuns: 1000, endOnFailure: true })
    assert.ok(failed)
    assert.match(String(errorInstance), /the store held/)
  },
  patience,
)

/** A cache whose operations take effect in the order that a test says; `failures` says which of them fail. */
function unreliableCache(failures: readonly boolean[]) {
  const held = new Map<string, unknown>()
  const waiting: (() => void)[] = []
  let count = 0
  const later = <T>(effect: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      const fails = failures[count++ % Math.max(1, failures.length)] === true
      waiting.push(() => (fails ? reject(new Error('cache away')) : resolve(effect())))
    })
  const cache = {
    get: (key: string) => later(() => held.get(key)),
    set: (key: string, text: string) => later(() => void held.set(key, text)),
    del: (key: string) => later(() => void held.delete(key)),
    flushAll: () => later(() => held.clear()),
    step(at) {
      waiting.splice(at % Math.max(1, waiting.length), 1)[0]?.()
    },
  } satisfies StepCache & { [method: string]: unknown }
  return cache
}
