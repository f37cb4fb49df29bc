import { isReserved } from '../../src/names.ts'
import type { Entry } from '../../src/store.ts'
import { passThrough } from '../suite/pass-through.ts'
import type { Mutant } from './mutant.ts'

/** Stores whose faults a session shows: each is caught by a case about auth states. */
export const sessionMutants: readonly Mutant[] = [
  {
    name: 'ignores guards',
    caughtBy:
      '7: an owner that lost its lease writes nothing more, rejects with LEASE_LOST, and its signal aborts',
    breaks: store => ({ ...passThrough(store), write: (scope, changes) => store.write(scope, changes) }),
  },
  {
    name: 'looks at the guard before it waits for its connection',
    caughtBy: '7: a batch that is held up until after a take-over lands nowhere',
    breaks: store => ({ ...passThrough(store), write: (scope, changes) => store.write(scope, changes) }),
  },
  {
    name: 'lists nothing',
    caughtBy: '8: records without creds are refused with CREDS_MISSING, and stay as they are',
    breaks: store => ({ ...passThrough(store), async *list() {} }),
  },
  {
    name: 'leaves the last record of a list out',
    caughtBy: '10: a session that is opened again is read whole by one list: then no read is a round trip',
    breaks: store => ({
      ...passThrough(store),
      async *list(scope, options) {
        let last: readonly Entry[] = []
        for await (const page of store.list(scope, options)) {
          yield last
          last = page
        }
        yield last.slice(0, -1)
      },
    }),
  },
  {
    name: 'takes a text that is no JSON for absent',
    caughtBy: '8: creds that can not be read are refused with RECORD_CORRUPT, and stay as they are',
    breaks: store => ({
      ...passThrough(store),
      read: async (scope, names) =>
        (await store.read(scope, names)).map(text => (isJson(text) ? text : undefined)),
    }),
  },
  {
    name: 'loses the creds of a batch of keys',
    caughtBy: '8: the first batch of keys carries the creds, though nobody saved them',
    breaks: store => ({
      ...passThrough(store),
      write: (scope, changes, guards) =>
        store.write(
          scope,
          changes.length > 1 ? changes.filter(change => change.name !== 'creds') : changes,
          guards,
        ),
    }),
  },
  {
    name: 'removes creds only',
    caughtBy: '9: after remove nothing is left, late changes are refused, and nothing rises again',
    breaks: store => ({
      ...passThrough(store),
      remove: (scope, guards) => store.write(scope, [{ name: 'creds', value: undefined }], guards),
    }),
  },
  {
    name: 'takes no release of the fence',
    caughtBy: '12: close lands what is pending and releases the lease',
    breaks: store => ({
      ...passThrough(store),
      write(scope, changes, guards) {
        const releases = changes.some(
          ({ name, value }) => isReserved(name) && value?.includes('"released":true'),
        )
        return releases ? Promise.resolve(true) : store.write(scope, changes, guards)
      },
    }),
  },
]

function isJson(text: string | undefined): boolean {
  try {
    return text === undefined || JSON.parse(text) !== undefined
  } catch {
    return false
  }
}
