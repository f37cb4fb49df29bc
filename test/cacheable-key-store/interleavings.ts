import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type HeldCall, heldKeys, type StrangersKeys, settled, sharingKeys } from './strangers.ts'

/** What happens next in an interleaving; `call` and `at` choose among what waits. */
export type Step =
  | { readonly kind: 'get'; readonly ids: readonly string[] }
  | { readonly kind: 'set'; readonly ids: readonly string[]; readonly removes: boolean }
  | { readonly kind: 'clear' }
  | { readonly kind: 'perform' | 'answer' | 'fail'; readonly call: number }
  | { readonly kind: 'cache'; readonly at: number }

const ids = ['a', 'b', 'c']
const someIds = fc.subarray(ids, { minLength: 1 })

/** Interleavings of gets, sets and clears with what a store (and a cache) make of them, in any order. */
export const anySteps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('get' as const), ids: someIds }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('set' as const), ids: someIds, removes: fc.boolean() }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'clear' as const }) },
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constantFrom('perform', 'answer', 'answer', 'fail'),
        call: fc.nat({ max: 7 }),
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('cache' as const), at: fc.nat({ max: 7 }) }) },
  ),
  { maxLength: 40 },
)

/** A cache whose operations wait for {@link StepCache.step}, and fail now and then. */
export interface StepCache {
  /** Lets one operation that waits take effect and be answered, whichever place it has. */
  step(at: number): void
}

/**
 * Plays an interleaving on keys over a store in memory, and asserts of every get that what it says of a record was
 * what the store held at some moment between the get's beginning and its end. Finally everything is let go, and the
 * keys must say what the store holds.
 */
export async function play(
  steps: readonly Step[],
  wrap: (store: StrangersKeys) => StrangersKeys,
  cache?: StepCache,
): Promise<void> {
  const store = sharingKeys()
  /** What the store has held, one entry whenever a call has changed something. */
  const past: { readonly [id: string]: unknown }[] = []
  const look = () => {
    past.push(Object.fromEntries(ids.map(id => [id, store.at('session', id) ?? null])))
  }
  const held = heldKeys({
    get: store.get,
    set(data) {
      store.set(data)
      look()
    },
    clear() {
      store.clear?.()
      look()
    },
  })
  look()
  const keys = wrap(held)
  const pending: Promise<void>[] = []
  const wrong: string[] = []
  let version = 0

  const get = async (wanted: readonly string[]): Promise<void> => {
    const from = past.length - 1
    let found: { [id: string]: unknown }
    try {
      found = await keys.get('session', Array.from(wanted))
    } catch {
      return
    }
    const seen = past.slice(from)
    for (const id of wanted) {
      const value = found[id] ?? null
      if (!seen.some(moment => moment[id] === value)) {
        wrong.push(`${id} is ${value}, the store held ${seen.map(moment => moment[id])}`)
      }
    }
  }

  const perform = (step: Step): void => {
    if (step.kind === 'get') pending.push(get(step.ids))
    else if (step.kind === 'set') {
      version += 1
      const value = step.removes ? null : `version ${version}`
      pending.push(ended(keys.set({ session: Object.fromEntries(step.ids.map(id => [id, value])) })))
    } else if (step.kind === 'clear') pending.push(ended(keys.clear?.()))
    else if (step.kind === 'cache') cache?.step(step.at)
    else {
      const call: HeldCall | undefined = held.calls[step.call % Math.max(1, held.calls.length)]
      call?.[step.kind]()
    }
  }

  for (const step of steps) {
    perform(step)
    // Some steps meet with what the one before has set going, others with what has come of it.
    if (step.kind !== 'get' && step.kind !== 'set') await settled()
  }
  while (held.calls.length > 0) {
    held.calls[0]?.answer()
    await settled()
  }
  held.letGo()
  const endless = setInterval(() => cache?.step(0), 0)
  try {
    await Promise.all(pending)
    for (let time = 0; time < 2; time++) await get(ids)
  } finally {
    clearInterval(endless)
  }
  assert.deepEqual(wrong, [])
}

async function ended(call: Promise<void> | void): Promise<void> {
  await Promise.resolve(call).catch(() => {})
}
