import type { Change, Entry, Guard } from '../../src/store.ts'
import { passThrough } from '../suite/pass-through.ts'
import type { Mutant } from './mutant.ts'

/** Stores that confuse names, scopes or texts. */
export const nameMutants: readonly Mutant[] = [
  {
    name: 'compares names without case',
    caughtBy: '11: names that differ in case only are different records',
    breaks: store => ({
      ...passThrough(store),
      read: (scope, names) => store.read(scope, names.map(lower)),
      write: (scope, changes, guards = []) =>
        store.write(scope, changes.map(lowerNamed), guards.map(lowerNamed)),
      list: (scope, options = {}) => store.list(scope, { ...options, prefix: lower(options.prefix ?? '') }),
    }),
  },
  {
    name: 'mixes scopes by prefix',
    caughtBy: '11: a scope does not see the records of one whose name it begins',
    breaks: store => ({
      ...passThrough(store),
      async *list(scope, options) {
        for await (const page of store.scopes(scope)) for (const one of page) yield* store.list(one, options)
      },
    }),
  },
  {
    name: 'joins scope and name into one key',
    caughtBy: '11: scopes and names do not run together',
    breaks(store) {
      const key = (scope: string) => (named: Change | Guard) => ({ ...named, name: `${scope}/${named.name}` })
      return {
        ...passThrough(store),
        read: (scope, names) =>
          store.read(
            'all',
            names.map(name => `${scope}/${name}`),
          ),
        write: (scope, changes, guards = []) =>
          store.write('all', changes.map(key(scope)), guards.map(key(scope))),
        async *list(scope, { prefix = '', values = false } = {}): AsyncIterable<readonly Entry[]> {
          for await (const page of store.list('all', { prefix: `${scope}/${prefix}`, values })) {
            yield page.map(entry => ({ ...entry, name: entry.name.slice(scope.length + 1) }))
          }
        },
      }
    },
  },
  {
    name: 'takes the prefix of a list for a pattern',
    caughtBy: '11: the prefix of a list is taken literally',
    breaks: store => ({
      ...passThrough(store),
      async *list(scope, { prefix = '', values = false } = {}) {
        const pattern = like(prefix)
        for await (const page of store.list(scope, { values }))
          yield page.filter(entry => pattern.test(entry.name))
      },
    }),
  },
  {
    name: 'takes the prefix of scopes for a pattern',
    caughtBy: '11: the prefix of scopes is taken literally',
    breaks: store => ({
      ...passThrough(store),
      async *scopes(prefix = '') {
        const pattern = like(prefix)
        for await (const page of store.scopes()) yield page.filter(scope => pattern.test(scope))
      },
    }),
  },
  {
    name: 'cuts names at 191 characters',
    caughtBy:
      '11: the longest names and scopes that the contract allows are kept apart to the last character',
    breaks(store) {
      const cut = <Named extends Change | Guard>(named: Named): Named => ({
        ...named,
        name: named.name.slice(0, 191),
      })
      return {
        ...passThrough(store),
        read: (scope, names) =>
          store.read(
            scope,
            names.map(name => name.slice(0, 191)),
          ),
        write: (scope, changes, guards = []) => store.write(scope, changes.map(cut), guards.map(cut)),
      }
    },
  },
  {
    name: 'truncates long texts',
    caughtBy: '11: a text of every character of Unicode, and one of 1 MB, come back as they were given',
    breaks: store => ({
      ...passThrough(store),
      write: (scope, changes, guards) =>
        store.write(
          scope,
          changes.map(change => ({ ...change, value: change.value?.slice(0, 1_000_000) })),
          guards,
        ),
    }),
  },
  {
    name: 'strips control characters from texts',
    caughtBy: '11: every text comes back as it was given',
    breaks: store => ({
      ...passThrough(store),
      write: (scope, changes, guards) =>
        store.write(
          scope,
          changes.map(change => ({ ...change, value: change.value?.replaceAll('\u0001', '') })),
          guards,
        ),
    }),
  },
  {
    name: 'keeps records in a plain object',
    caughtBy: '11: records of hostile types, as the core names them, are kept apart',
    breaks: store => ({
      ...passThrough(store),
      write: (scope, changes, guards) =>
        store.write(
          scope,
          changes.filter(change => !change.name.startsWith('__proto__')),
          guards,
        ),
    }),
  },
]

function lower(name: string): string {
  return name.toLowerCase()
}

function lowerNamed<Named extends Change | Guard>(named: Named): Named {
  return { ...named, name: lower(named.name) }
}

/** What SQL's LIKE makes of a prefix that nobody escaped. */
function like(prefix: string): RegExp {
  const escaped = prefix.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replaceAll('%', '.*').replaceAll('_', '.')}`, 's')
}
