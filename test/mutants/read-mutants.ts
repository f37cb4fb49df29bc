import type { Entry } from '../../src/store.ts'
import { passThrough } from '../suite/pass-through.ts'
import type { Mutant } from './mutant.ts'

/** Stores whose reads and lists say what is not so. */
export const readMutants: readonly Mutant[] = [
  {
    name: 'reads its own batch before it has landed',
    caughtBy: '4: a read beside a batch that its guard refuses never sees the batch',
    breaks(store) {
      const unlanded = new Map<string, string | undefined>()
      return {
        ...passThrough(store),
        async read(scope, names) {
          const values = await store.read(scope, names)
          return values.map((value, at) => {
            const key = `${scope} ${names[at]}`
            return unlanded.has(key) ? unlanded.get(key) : value
          })
        },
        async write(scope, changes, guards) {
          for (const { name, value } of changes) unlanded.set(`${scope} ${name}`, value)
          await new Promise(setImmediate)
          const landed = await store.write(scope, changes, guards)
          for (const { name } of changes) unlanded.delete(`${scope} ${name}`)
          return landed
        },
      }
    },
  },
  {
    name: 'keeps what a read brought that began before a write',
    caughtBy: '4: once a write resolved, no read by any store sees what was before',
    breaks(store) {
      const kept = new Map<string, string | undefined>()
      return {
        ...passThrough(store),
        async read(scope, names) {
          const missing = names.filter(name => !kept.has(`${scope} ${name}`))
          if (missing.length > 0) {
            const values = await store.read(scope, missing)
            await new Promise(setImmediate)
            missing.forEach((name, at) => {
              kept.set(`${scope} ${name}`, values[at])
            })
          }
          return names.map(name => kept.get(`${scope} ${name}`))
        },
        async write(scope, changes, guards) {
          const landed = await store.write(scope, changes, guards)
          for (const { name } of changes) kept.delete(`${scope} ${name}`)
          return landed
        },
      }
    },
  },
  {
    name: 'hands out the array that it keeps',
    caughtBy: '5: what the caller does to the array of a read changes nothing',
    breaks(store) {
      const arrays = new Map<string, (string | undefined)[]>()
      return {
        ...passThrough(store),
        async read(scope, names) {
          const key = JSON.stringify([scope, ...names])
          const values = arrays.get(key) ?? (await store.read(scope, names))
          arrays.set(key, values)
          return values
        },
        async write(scope, changes, guards) {
          arrays.clear()
          return store.write(scope, changes, guards)
        },
      }
    },
  },
  {
    name: 'gives values in the order of its index',
    caughtBy: '6: values come in the order of the names, undefined in the place of what is absent',
    breaks: store => ({ ...passThrough(store), read: (scope, names) => store.read(scope, names.toSorted()) }),
  },
  {
    name: 'leaves absent records out of a read',
    caughtBy: '6: values come in the order of the names, undefined in the place of what is absent',
    breaks: store => ({
      ...passThrough(store),
      read: async (scope, names) => (await store.read(scope, names)).filter(value => value !== undefined),
    }),
  },
  {
    name: 'takes an empty text for absent',
    caughtBy: '6: a record with an empty text is there',
    breaks: store => ({
      ...passThrough(store),
      read: async (scope, names) => (await store.read(scope, names)).map(value => value || undefined),
    }),
  },
  {
    name: 'turns an error into absence',
    caughtBy: '6: a read in an outage rejects or waits, and never says that a record is absent',
    breaks: store => ({
      ...passThrough(store),
      read: (scope, names) => store.read(scope, names).catch(() => names.map(() => undefined)),
    }),
  },
  {
    name: 'turns an error into a guard that failed',
    caughtBy: '6: a write in an outage rejects or waits, and never says that a guard failed',
    breaks: store => ({
      ...passThrough(store),
      write: (scope, changes, guards) => store.write(scope, changes, guards).catch(() => false),
    }),
  },
  {
    name: 'lists scopes that hold reserved records only',
    caughtBy: '8: a scope that holds reserved records only is not among the scopes, but is there',
    breaks(store) {
      return {
        ...passThrough(store),
        async *scopes(prefix = '') {
          const found = new Set<string>()
          for await (const page of store.scopes(prefix)) for (const scope of page) found.add(scope)
          for (const scope of ['suite', '!owners']) {
            if (!scope.startsWith(prefix)) continue
            for await (const page of store.list(scope)) if (page.length > 0) found.add(scope)
          }
          yield Array.from(found)
        },
      }
    },
  },
  {
    name: 'gives the first page of a list only',
    caughtBy: '10: a list of 3000 records gives each of them, with its value when asked',
    breaks: store => ({
      ...passThrough(store),
      async *list(scope, options) {
        for await (const page of store.list(scope, options)) {
          yield page
          return
        }
      },
    }),
  },
  {
    name: 'answers the first thousand names of a read only',
    caughtBy: '10: a read of as many names as limits.readNames allows (or 10,000) is answered',
    breaks: store => ({
      ...passThrough(store),
      async read(scope, names) {
        const values = await store.read(scope, names.slice(0, 1000))
        return names.map((_, at) => values[at])
      },
    }),
  },
  {
    name: 'pages a list by offset while records come and go',
    caughtBy: '10: a list beside writes gives every record that is there from beginning to end',
    breaks: store => ({
      ...passThrough(store),
      async *list(scope, options) {
        const size = 100
        for (let offset = 0; ; offset += size) {
          const entries: Entry[] = []
          for await (const page of store.list(scope, { ...options, prefix: '' })) entries.push(...page)
          const page = entries
            .toSorted((left, right) => (left.name < right.name ? -1 : 1))
            .slice(offset, offset + size)
          if (page.length === 0) return
          yield page.filter(entry => entry.name.startsWith(options?.prefix ?? ''))
        }
      },
    }),
  },
]
