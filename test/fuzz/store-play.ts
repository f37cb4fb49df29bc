import assert from 'node:assert/strict'
import fc from 'fast-check'
import { recordName, scopeOf } from '../../src/names.ts'
import type { Change, Guard, Store } from '../../src/store.ts'
import { withStores } from '../suite/cases.ts'
import type { Backend } from '../suite/index.ts'
import { listed, listedScopes } from '../suite/records.ts'
import { anyId, anyText, likelyConfused } from './any.ts'

/** What a guard expects: what the record holds, something else, or absence. */
type Expectation = 'what it holds' | 'another text' | 'absence'

/** One call; numbers choose among the game's scopes, names and texts, and between two stores on the same data. */
type Step =
  | {
      readonly call: 'write'
      readonly scope: number
      readonly changes: readonly { readonly name: number; readonly text: number; readonly removes: boolean }[]
      readonly guards: readonly { readonly name: number; readonly expects: Expectation }[]
    }
  | { readonly call: 'read'; readonly scope: number; readonly names: readonly number[] }
  | { readonly call: 'list'; readonly scope: number; readonly name: number; readonly length: number }
  | { readonly call: 'scopes'; readonly scope: number; readonly length: number }
  | {
      readonly call: 'remove'
      readonly scope: number
      readonly guards: readonly { readonly name: number; readonly expects: Expectation }[]
    }
  | { readonly call: 'reopen' }

/** Names, texts and calls, to be played on a store. */
export interface StoreGame {
  readonly scopes: readonly string[]
  readonly names: readonly string[]
  readonly texts: readonly string[]
  readonly steps: readonly (Step & { readonly through: 0 | 1 })[]
}

const charset = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!%+,-./:=@_~'
const some = fc.nat({ max: 1000 })
const guards = fc.uniqueArray(
  fc.record({
    name: some,
    expects: fc.constantFrom<Expectation>('what it holds', 'what it holds', 'another text', 'absence'),
  }),
  { maxLength: 2, selector: guard => guard.name },
)

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      call: fc.constant('write' as const),
      scope: some,
      changes: fc.array(
        fc.record({ name: some, text: some, removes: fc.integer({ max: 2, min: 0 }).map(one => one === 0) }),
        { minLength: 1, maxLength: 6 },
      ),
      guards: fc.oneof(fc.constant([]), guards),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      call: fc.constant('read' as const),
      scope: some,
      names: fc.array(some, { minLength: 1, maxLength: 6 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      call: fc.constant('list' as const),
      scope: some,
      name: some,
      length: fc.nat({ max: 60 }),
    }),
  },
  fc.record({ call: fc.constant('scopes' as const), scope: some, length: fc.nat({ max: 60 }) }),
  fc.record({ call: fc.constant('remove' as const), scope: some, guards }),
  fc.record({ call: fc.constant('reopen' as const) }),
)

/** Any game. */
export const anyStoreGame: fc.Arbitrary<StoreGame> = fc.record({
  scopes: likelyConfused.map(sessions =>
    Array.from(
      new Set(
        sessions
          .filter(session => session !== '')
          .map(scopeOf)
          .concat('s'),
      ),
    ),
  ),
  names: fc
    .tuple(
      fc.array(fc.constantFrom('session', 'pre-key', 'app-state-sync-key', 'SESSION'), { minLength: 1 }),
      anyId,
      likelyConfused,
      fc.array(fc.string({ unit: fc.constantFrom(...charset), minLength: 1, maxLength: 12 }), {
        maxLength: 3,
      }),
    )
    .map(([types, anyType, ids, raw]) => {
      const keys = ids.map((id, at) => recordName([...types, anyType][at % (types.length + 1)] ?? '', id))
      // What a pattern takes for the name beside it.
      const matched = keys.filter(key => /[%_]/.test(key)).map(key => key.replace(/[%_]/, 'x'))
      return Array.from(new Set(['!fence', 'creds', ...keys, ...matched, ...raw]))
    }),
  texts: fc.array(anyText, { minLength: 1, maxLength: 6 }),
  steps: fc.array(
    fc.tuple(anyStep, fc.constantFrom<0 | 1>(0, 1)).map(([step, through]) => ({ ...step, through })),
    { minLength: 1, maxLength: 25 },
  ),
})

type Model = Map<string, Map<string, string>>

/** Plays a game on fresh data of a backend, and asserts after every call that the store holds what a Map would. */
export async function playOnStore(backend: Backend, game: StoreGame): Promise<void> {
  const data = await backend.create()
  try {
    await withStores(data, async ({ open, close }) => {
      const stores: [Store, Store] = [await open(), await open()]
      const model: Model = new Map()
      const scopes = backend.onlyScope ? [backend.onlyScope] : game.scopes
      for (const step of game.steps) {
        const store = stores[step.through]
        if (step.call === 'reopen') {
          await close(store)
          stores[step.through] = await open()
          continue
        }
        const scope = pick(scopes, step.scope)
        const held = model.get(scope) ?? new Map<string, string>()
        if (step.call === 'scopes') {
          if (backend.onlyScope !== undefined) continue
          const prefix = scope.slice(0, step.length)
          const expected = Array.from(model.keys()).filter(
            name => name.startsWith(prefix) && Array.from(model.get(name)?.keys() ?? []).some(isPlain),
          )
          assert.deepEqual(Array.from(new Set(await listedScopes(store, prefix))), expected.sort())
        } else if (step.call === 'list') {
          const prefix = pick(game.names, step.name).slice(0, step.length)
          const expected = Array.from(held).filter(([name]) => name.startsWith(prefix))
          assertEntries(await listed(store, scope, { prefix, values: true }), expected)
          const names = await listed(store, scope, { prefix })
          assert.deepEqual(Array.from(names.keys()).sort(), expected.map(([name]) => name).sort())
        } else if (step.call === 'read') {
          const names = Array.from(new Set(step.names.map(name => pick(game.names, name))))
          assert.deepEqual(
            await store.read(scope, names),
            names.map(name => held.get(name)),
          )
        } else if (step.call === 'write') {
          const changes = new Map(
            step.changes.map(({ name, text, removes }) => [
              pick(game.names, name),
              removes ? undefined : pick(game.texts, text),
            ]),
          )
          const guarding = guardsOf(backend, game, held, step.guards)
          for (const { name, value } of guarding) {
            // The contract: who expects absence creates the record.
            if (value === undefined) changes.set(name, changes.get(name) ?? pick(game.texts, 0))
          }
          const landed = await store.write(scope, changesOf(changes), guarding)
          assert.equal(landed, allHold(held, guarding), 'whether a write landed')
          if (landed) apply(model, scope, changes)
        } else {
          const guarding = guardsOf(backend, game, held, step.guards)
          const removed = await store.remove(scope, guarding)
          assert.equal(removed, allHold(held, guarding), 'whether a scope was removed')
          if (removed) model.delete(scope)
        }
        await assertScope(stores[step.through === 0 ? 1 : 0], scope, model, game.names)
      }
      for (const scope of scopes) await assertScope(stores[0], scope, model, game.names)
    })
  } finally {
    await data.drop()
  }
}

async function assertScope(
  store: Store,
  scope: string,
  model: Model,
  names: readonly string[],
): Promise<void> {
  const held = model.get(scope) ?? new Map<string, string>()
  assertEntries(await listed(store, scope), Array.from(held))
  const texts = await store.read(scope, names)
  assert.deepEqual(
    texts,
    names.map(name => held.get(name)),
  )
}

function assertEntries(
  found: ReadonlyMap<string, string | undefined>,
  expected: readonly (readonly [string, string])[],
): void {
  assert.deepEqual(Object.fromEntries(found), Object.fromEntries(expected))
}

function guardsOf(
  backend: Backend,
  game: StoreGame,
  held: ReadonlyMap<string, string>,
  expectations: readonly { readonly name: number; readonly expects: Expectation }[],
): Guard[] {
  const names = game.names.filter(name => backend.keepsOtherTexts !== true || !isPlain(name))
  const guarding = new Map<string, string | undefined>()
  for (const { name: at, expects } of expectations) {
    const name = pick(names, at)
    if (expects === 'absence') guarding.set(name, undefined)
    else guarding.set(name, expects === 'another text' ? `${held.get(name) ?? ''} ` : held.get(name))
  }
  return Array.from(guarding, ([name, value]) => ({ name, value }))
}

function allHold(held: ReadonlyMap<string, string>, guarding: readonly Guard[]): boolean {
  return guarding.every(({ name, value }) => held.get(name) === value)
}

function apply(model: Model, scope: string, changes: ReadonlyMap<string, string | undefined>): void {
  const held = model.get(scope) ?? new Map<string, string>()
  for (const [name, value] of changes) {
    if (value === undefined) held.delete(name)
    else held.set(name, value)
  }
  if (held.size > 0) model.set(scope, held)
  else model.delete(scope)
}

function changesOf(changes: ReadonlyMap<string, string | undefined>): Change[] {
  return Array.from(changes, ([name, value]) => ({ name, value }))
}

function isPlain(name: string): boolean {
  return !name.startsWith('!')
}

function pick<T>(items: readonly T[], at: number): T {
  const item = items[at % items.length]
  if (item === undefined) throw new RangeError('Nothing to choose from.')
  return item
}
