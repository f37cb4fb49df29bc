import type { Guard, Store } from '../../src/store.ts'
import { passThrough } from '../suite/pass-through.ts'
import type { Mutant } from './mutant.ts'

/** Stores that overlook guards. */
export const guardMutants: readonly Mutant[] = [
  {
    name: 'ignores guards',
    caughtBy: '7: after a take-over the old owner writes not one record more',
    breaks: store => ({ ...passThrough(store), write: (scope, changes) => store.write(scope, changes) }),
  },
  {
    name: 'ignores guards on absence only',
    caughtBy: '7: a guard on absence lets a batch land only while the record is absent',
    breaks: guarding(guards => guards.filter(guard => guard.value !== undefined)),
  },
  {
    name: 'looks whether a record is absent and writes afterwards',
    caughtBy: '7: of twenty racing first openers exactly one wins, and nothing of the others is there',
    breaks: store => ({
      ...passThrough(store),
      async write(scope, changes, guards = []) {
        const absent = guards.filter(guard => guard.value === undefined)
        if (absent.length === 0) return store.write(scope, changes, guards)
        const values = await store.read(
          scope,
          absent.map(guard => guard.name),
        )
        if (values.some(value => value !== undefined)) return false
        return store.write(
          scope,
          changes,
          guards.filter(guard => guard.value !== undefined),
        )
      },
    }),
  },
  {
    name: 'looks whether the fence is its own and writes afterwards',
    caughtBy: '7: of racing take-overs of one fence exactly one wins',
    breaks: store => ({
      ...passThrough(store),
      async write(scope, changes, guards = []) {
        if (guards.length === 0) return store.write(scope, changes)
        const values = await store.read(
          scope,
          guards.map(guard => guard.name),
        )
        if (guards.some((guard, at) => guard.value !== values[at])) return false
        return store.write(scope, changes)
      },
    }),
  },
  {
    name: 'looks at the first guard only',
    caughtBy: '7: of many guards, one that fails is enough to refuse the batch, wherever it stands',
    breaks: guarding(guards => guards.slice(0, 1)),
  },
  {
    name: 'compares guards as a collation does that pads with blanks',
    caughtBy: '7: a guard on a value lets a batch land only while the record holds exactly that',
    breaks: guarding(guards =>
      guards.map(guard => (guard.value === undefined ? guard : { ...guard, value: guard.value.trimEnd() })),
    ),
  },
  {
    name: 'remembers the fence that it read',
    caughtBy: '7: the fence is read from the data: a take-over is seen at once by every store',
    breaks(store) {
      const fences = new Map<string, string | undefined>()
      return {
        ...passThrough(store),
        async read(scope, names) {
          const values = await store.read(scope, names)
          return values.map((value, at) => {
            if (names[at] !== '!fence') return value
            if (!fences.has(scope)) fences.set(scope, value)
            return fences.get(scope)
          })
        },
        async write(scope, changes, guards) {
          for (const { name, value } of changes) if (name === '!fence') fences.set(scope, value)
          return store.write(scope, changes, guards)
        },
      }
    },
  },
  {
    name: 'takes a guard for held when its record is absent',
    caughtBy: '9: late writes of the former owner are refused, and the scope does not rise again',
    breaks: store => ({
      ...passThrough(store),
      async write(scope, changes, guards = []) {
        const values =
          guards.length === 0
            ? []
            : await store.read(
                scope,
                guards.map(guard => guard.name),
              )
        return store.write(
          scope,
          changes,
          guards.filter((_, at) => values[at] !== undefined),
        )
      },
    }),
  },
  {
    name: 'ignores the guards of a removal',
    caughtBy: '9: a removal whose guard fails removes nothing',
    breaks: store => ({ ...passThrough(store), remove: scope => store.remove(scope) }),
  },
]

function guarding(seen: (guards: readonly Guard[]) => readonly Guard[]): (store: Store) => Store {
  return store => ({
    ...passThrough(store),
    write: (scope, changes, guards = []) => store.write(scope, changes, seen(guards)),
  })
}
