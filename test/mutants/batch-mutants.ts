import type { Change } from '../../src/store.ts'
import { passThrough } from '../suite/pass-through.ts'
import type { Mutant } from './mutant.ts'

/** Stores whose batches do not land as they should. */
export const batchMutants: readonly Mutant[] = [
  {
    name: 'loses the last record of a large batch',
    caughtBy: '1: every record of a batch of 812 has landed, first to last',
    breaks: store => ({
      ...passThrough(store),
      write: (scope, changes, guards) =>
        store.write(scope, changes.length > 100 ? changes.slice(0, -1) : changes, guards),
    }),
  },
  {
    name: 'resolves before landing',
    caughtBy: '1: a write that resolved is read by a second store on the same data',
    breaks: store => ({
      ...passThrough(store),
      async write(scope, changes, guards) {
        setImmediate(() => void store.write(scope, changes, guards))
        return true
      },
    }),
  },
  {
    name: 'forgets removals',
    caughtBy: '1: a removal that resolved is gone for a second store on the same data',
    breaks: store => ({
      ...passThrough(store),
      write: (scope, changes, guards) =>
        store.write(
          scope,
          changes.filter(change => change.value !== undefined),
          guards,
        ),
    }),
  },
  {
    name: 'applies a half of the batch when its guard fails',
    caughtBy: '2: a batch whose guard fails changes nothing: no new record, no changed one, no removal',
    breaks: store => ({
      ...passThrough(store),
      async write(scope, changes, guards) {
        const landed = await store.write(scope, changes, guards)
        if (!landed) await store.write(scope, changes.slice(0, Math.ceil(changes.length / 2)))
        return landed
      },
    }),
  },
  {
    name: 'applies a batch in two steps',
    caughtBy: '2: reads beside writes see all of a batch or nothing of it',
    breaks: store => ({
      ...passThrough(store),
      async write(scope, changes, guards) {
        const half = Math.ceil(changes.length / 2)
        const landed = await store.write(scope, changes.slice(0, half), guards)
        if (!landed || half === changes.length) return landed
        await new Promise(setImmediate)
        return store.write(scope, changes.slice(half))
      },
    }),
  },
  {
    name: 'removes in a step of its own',
    caughtBy: '2: reads beside batches that remove and make records see all of a batch or nothing of it',
    breaks: store => ({
      ...passThrough(store),
      async write(scope, changes, guards) {
        const removals = changes.filter(change => change.value === undefined)
        const rest = changes.filter(change => change.value !== undefined)
        if (removals.length === 0 || rest.length === 0) return store.write(scope, changes, guards)
        if (!(await store.write(scope, rest, guards))) return false
        await new Promise(setImmediate)
        return store.write(scope, removals)
      },
    }),
  },
  {
    name: 'refuses to remove what is gone, so that a batch can not be repeated',
    caughtBy: '2: the same batch, sent again, leaves what it left the first time',
    breaks: store => ({
      ...passThrough(store),
      async write(scope, changes, guards) {
        for (const { name, value } of changes) {
          if (value === undefined && (await store.read(scope, [name]))[0] === undefined) {
            throw new Error('expected to delete one row, deleted none')
          }
        }
        return store.write(scope, changes, guards)
      },
    }),
  },
  {
    name: 'applies batches out of order',
    caughtBy: '3: of writes that were awaited one by one, the last one stands',
    breaks(store) {
      let held: { readonly scope: string; readonly changes: readonly Change[] } | undefined
      const landHeld = async () => {
        const batch = held
        held = undefined
        if (batch !== undefined) await store.write(batch.scope, batch.changes)
      }
      return {
        ...passThrough(store),
        async write(scope, changes, guards) {
          if (held === undefined && guards === undefined) {
            held = { scope, changes }
            return true
          }
          const landed = await store.write(scope, changes, guards)
          await landHeld()
          return landed
        },
        async read(scope, names) {
          await landHeld()
          return store.read(scope, names)
        },
      }
    },
  },
]
