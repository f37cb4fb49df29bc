import assert from 'node:assert/strict'
import * as baileys7 from '@whiskeysockets/baileys'
import fc from 'fast-check'
import { type AnySignalKeyStore, encode, makeCacheableSignalKeyStore, useAuthState } from '../../src/index.ts'
import { sessionOf } from '../../src/names.ts'
import { putOwn } from '../../src/own-property.ts'
import { withStores } from '../suite/cases.ts'
import type { Backend, KeyData, SuiteKeys } from '../suite/index.ts'
import { quickBaileys } from '../suite/quick-baileys.ts'
import { assertSame } from '../suite/same.ts'
import { anyId, anyValue, likelyConfused } from './any.ts'

/** One call; numbers choose among the game's types, ids and values. */
type Step =
  | {
      readonly call: 'set'
      /** Several sets are called before the first is awaited. */
      readonly sets: readonly (readonly Entry[])[]
    }
  | { readonly call: 'get'; readonly type: number; readonly ids: readonly number[] }
  | { readonly call: 'list' | 'listIds'; readonly type: number }
  | { readonly call: 'saveCreds'; readonly value: number }
  | { readonly call: 'clear' | 'reopen' | 'remove' }

interface Entry {
  readonly type: number
  readonly id: number
  readonly value: number
  readonly removes: boolean
}

/** Names, values and calls, to be played on an auth state. */
export interface AuthGame {
  readonly session: string
  readonly types: readonly string[]
  readonly ids: readonly string[]
  readonly values: readonly unknown[]
  readonly steps: readonly Step[]
  /** Whether the keys are used through `makeCacheableSignalKeyStore`. */
  readonly cached: boolean
}

/** An auth state's keys, with types and values that no declaration of keys knows. */
export interface AllKeys extends SuiteKeys {
  clear(): Promise<void>
  list(type: string): AsyncIterable<readonly [id: string, value: unknown]>
  listIds(type: string): AsyncIterable<string>
}

const baileys = quickBaileys(baileys7)
const some = fc.nat({ max: 1000 })
const call = <T extends string>(name: T) => fc.constant(name)
const entries = fc.array(
  fc.record({ type: some, id: some, value: some, removes: fc.nat({ max: 3 }).map(one => one === 0) }),
  { maxLength: 6 },
)

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ call: call('set'), sets: fc.array(entries, { minLength: 1, maxLength: 3 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ call: call('get'), type: some, ids: fc.array(some, { maxLength: 6 }) }),
  },
  fc.record({ call: fc.constantFrom('list', 'listIds'), type: some }),
  fc.record({ call: call('saveCreds'), value: some }),
  fc.record({ call: fc.constantFrom('reopen', 'reopen', 'clear', 'remove') }),
)

/** Any game. */
export const anyAuthGame: fc.Arbitrary<AuthGame> = fc.record({
  session: anyId.filter(session => session !== ''),
  types: fc
    .tuple(fc.constantFrom('session', 'pre-key', 'sender-key', 'tctoken'), fc.array(anyId, { maxLength: 3 }))
    .map(([known, others]) => Array.from(new Set([known, ...others]))),
  ids: likelyConfused,
  values: fc.array(anyValue, { minLength: 1, maxLength: 8 }),
  steps: fc.array(anyStep, { minLength: 1, maxLength: 15 }),
  cached: fc.boolean(),
})

/** What is held, by type and id. */
type Model = Map<string, Map<string, unknown>>

/** Plays a game on a new session of a backend, and asserts after every call that its keys are what a Map would hold. */
export async function playOnAuthState(
  backend: Backend,
  game: AuthGame,
  wrap: (keys: AllKeys) => AllKeys = keys => keys,
): Promise<void> {
  const data = await backend.create()
  const session = (backend.onlyScope ? sessionOf(backend.onlyScope) : undefined) ?? game.session
  try {
    await withStores(data, async ({ open: openStore }) => {
      const store = await openStore()
      const open = async () => {
        const auth = await useAuthState(store, { session, logger: false, baileys })
        await auth.saveCreds()
        const keys = game.cached ? makeCacheableSignalKeyStore(auth.state.keys) : auth.state.keys
        return { auth, keys: wrap(allKeys(keys)) }
      }
      let { auth, keys } = await open()
      let creds = encode(auth.state.creds)
      const model: Model = new Map()
      try {
        for (const step of game.steps) {
          if (step.call === 'set') {
            await Promise.all(step.sets.map(each => keys.set(changed(model, game, each))))
          } else if (step.call === 'get') {
            const [type, ids] = [pick(game.types, step.type), step.ids.map(id => pick(game.ids, id))]
            assertSame(await keys.get(type, ids), expected(model, type, ids), 'a get')
          } else if (step.call === 'list') {
            await assertListed(keys, model, pick(game.types, step.type))
          } else if (step.call === 'listIds') {
            const type = pick(game.types, step.type)
            const ids = await allOf(keys.listIds(type))
            assert.deepEqual(ids.sort(), Array.from(model.get(type)?.keys() ?? []).sort())
          } else if (step.call === 'saveCreds') {
            auth.state.creds.nextPreKeyId += 1
            auth.state.creds.additionalData = pick(game.values, step.value)
            await auth.saveCreds()
            creds = encode(auth.state.creds)
          } else if (step.call === 'clear') {
            await keys.clear()
            model.clear()
          } else {
            if (step.call === 'remove') {
              await auth.remove()
              await assert.rejects(keys.set({ session: { late: 'late' } }))
              model.clear()
            } else await auth.close()
            const before = creds
            const reopened = await open()
            auth = reopened.auth
            keys = reopened.keys
            creds = encode(auth.state.creds)
            assert.equal(creds === before, step.call === 'reopen', 'whether the identity is the old one')
          }
          for (const type of game.types) {
            assertSame(
              await keys.get(type, Array.from(game.ids)),
              expected(model, type, game.ids),
              'the keys',
            )
          }
        }
        for (const type of game.types) await assertListed(keys, model, type)
      } finally {
        await auth.close()
      }
    })
  } finally {
    await data.drop()
  }
}

async function assertListed(keys: AllKeys, model: Model, type: string): Promise<void> {
  const listed = new Map(await allOf(keys.list(type)))
  const held = model.get(type) ?? new Map<string, unknown>()
  assert.deepEqual(Array.from(listed.keys()).sort(), Array.from(held.keys()).sort())
  for (const [id, value] of held) assertSame(listed.get(id), value, 'a listed value')
}

/** The data of a set, and the model as it is afterwards. */
function changed(model: Model, game: AuthGame, entriesOfSet: readonly Entry[]): KeyData {
  const data: { [type: string]: { [id: string]: unknown } } = {}
  for (const entry of entriesOfSet) {
    const [type, id] = [pick(game.types, entry.type), pick(game.ids, entry.id)]
    const value = entry.removes ? null : pick(game.values, entry.value)
    if (!Object.hasOwn(data, type)) putOwn(data, type, {})
    putOwn(data[type] ?? {}, id, value)
    const held = model.get(type) ?? new Map<string, unknown>()
    model.set(type, held)
    if (value) held.set(id, value)
    else held.delete(id)
  }
  return data
}

function expected(model: Model, type: string, ids: readonly string[]): { [id: string]: unknown } {
  return Object.fromEntries(ids.map(id => [id, model.get(type)?.get(id) ?? null]))
}

async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

function allKeys(keys: AnySignalKeyStore): AllKeys {
  // The game's types and values are any, which no declaration of keys knows; all methods are there.
  return keys as AllKeys
}

function pick<T>(items: readonly T[], at: number): T {
  if (items.length === 0) throw new RangeError('Nothing to choose from.')
  // In bounds, so an item: T may be undefined itself.
  return items[at % items.length] as T
}
