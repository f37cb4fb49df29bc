import type { Store } from '../../src/store.ts'
import { passThrough } from '../suite/pass-through.ts'
import type { Mutant } from './mutant.ts'

/** Stores that open, remove or close more, or less, than they should. */
export const endMutants: readonly Mutant[] = [
  {
    name: 'removes neighbours whose names begin like the scope',
    caughtBy: '9: neighbours of a removed scope keep every record',
    breaks: store => ({
      ...passThrough(store),
      async remove(scope, guards) {
        if (!(await store.remove(scope, guards))) return false
        for await (const page of store.scopes(scope)) for (const one of page) await store.remove(one)
        return true
      },
    }),
  },
  {
    name: 'leaves reserved records behind when it removes',
    caughtBy: '9: a removed scope holds nothing, reserved records included, for every store',
    breaks: store => ({
      ...passThrough(store),
      async remove(scope, guards) {
        const names: string[] = []
        for await (const page of store.list(scope)) names.push(...page.map(entry => entry.name))
        const ordinary = names.filter(name => !name.startsWith('!'))
        return store.write(
          scope,
          ordinary.map(name => ({ name, value: undefined })),
          guards,
        )
      },
    }),
  },
  {
    name: 'repairs a session when the store is opened',
    caughtBy: '12: opening data that is there changes nothing, not even beside a writer',
    breaks: store => ({
      ...passThrough(store),
      async open() {
        await store.open()
        await store.write('suite', [{ name: '!fence', value: undefined }])
      },
    }),
  },
  {
    name: 'closes the connection that others use',
    caughtBy: '12: closing one store leaves another one on the same data working',
    breaks(store) {
      const check = (): void => {
        if (closed.has(store)) throw new Error('the connection is closed')
      }
      return {
        ...passThrough(store),
        async read(scope, names) {
          check()
          return store.read(scope, names)
        },
        async write(scope, changes, guards) {
          check()
          return store.write(scope, changes, guards)
        },
        async close() {
          closed.add(store)
        },
      }
    },
  },
]

const closed = new WeakSet<Store>()
