import assert from 'node:assert/strict'
import { type AuthContext, storedCreds, storedKey } from './auth-context.ts'
import type { PromiseCases, StoreContext } from './cases.ts'
import { randomOf } from './random.ts'
import { recordingStore } from './recording-store.ts'
import { assertHolds, assertReads, put } from './records.ts'
import { assertSame } from './same.ts'

/** Promise 3, of the store itself: a write that was awaited lies under the next one. */
export const orderedStore: PromiseCases<StoreContext> = {
  number: 3,
  promise: 'ordered',
  cases: [
    {
      name: 'of writes that were awaited one by one, the last one stands',
      async run({ open, scope }) {
        const store = await open()
        for (let length = 1; length <= 8; length++) {
          for (let at = 0; at < length; at++) {
            await put(store, scope, {
              creds: `${at} of ${length}`,
              [`session/${at % 3}`]: `${at} of ${length}`,
            })
          }
          await assertReads(store, scope, { creds: `${length - 1} of ${length}` })
        }
        const expected = {
          creds: '7 of 8',
          'session/0': '6 of 8',
          'session/1': '7 of 8',
          'session/2': '5 of 8',
        }
        await assertHolds(store, scope, expected)
        await assertHolds(await open(), scope, expected)
      },
    },
    {
      name: 'of two stores that write in turn, the later write stands each time',
      async run({ open, scope }) {
        const stores = [await open(), await open()] as const
        for (let round = 0; round < 20; round++) {
          await put(stores[round % 2 === 0 ? 0 : 1], scope, { creds: `round ${round}` })
          await assertReads(stores[0], scope, { creds: `round ${round}` })
          await assertReads(stores[1], scope, { creds: `round ${round}` })
        }
      },
    },
    {
      name: 'a record that is made, removed and made again in turn ends as the last write left it',
      async run({ open, scope }) {
        const store = await open()
        for (let round = 0; round < 10; round++) {
          await put(store, scope, { 'session/a': `round ${round}`, 'session/b': undefined })
          await put(store, scope, { 'session/a': undefined, 'session/b': `round ${round}` })
        }
        await assertHolds(await open(), scope, { 'session/b': 'round 9' })
      },
    },
  ],
}

/** Promise 3, through an auth state: changes land in call order, and gather into batches. */
export const orderedAuthState: PromiseCases<AuthContext> = {
  number: 3,
  promise: orderedStore.promise,
  cases: [
    {
      name: 'creds and keys of one turn of the event loop land in one batch',
      needs: ['calls as they come'],
      async run({ open, openStore }) {
        const store = recordingStore(await openStore())
        const { auth, keys } = await open({ store })
        await auth.saveCreds()
        const before = store.batches.length
        const first = keys.set({ 'pre-key': { 1: 'one', 2: 'two' } })
        auth.state.creds.nextPreKeyId = 3
        const saved = auth.saveCreds()
        const second = keys.set({ session: { a: 'a' }, 'pre-key': { 2: null } })
        await Promise.all([first, saved, second])
        const batches = store.batches.slice(before)
        assert.equal(batches.length, 1, `changes of one turn came in ${batches.length} batches`)
        const changes = new Map(batches[0]?.changes.map(change => [change.name, change.value]))
        assert.equal(Array.from(changes.keys()).sort().join(' '), 'creds pre-key/1 pre-key/2 session/a')
        assert.equal(
          changes.get('pre-key/2'),
          undefined,
          'an earlier change of a record won over a later one',
        )
      },
    },
    {
      name: 'while a batch is in flight, all later changes gather into the next one',
      needs: ['calls as they come'],
      async run({ delaying, open, openStore, scope }) {
        const recording = recordingStore(await openStore())
        const store = delaying(recording)
        const { auth, keys } = await open({ store })
        await auth.saveCreds()
        const before = recording.batches.length
        store.hold('write')
        const sets = [keys.set({ session: { first: 'first' } })]
        await store.waiting('write')
        for (let round = 0; round < 40; round++) {
          sets.push(keys.set({ session: { [`later-${round}`]: 'later', same: `${round}` } }))
          await new Promise(setImmediate)
        }
        auth.state.creds.nextPreKeyId = 77
        sets.push(auth.saveCreds())
        store.release('write')
        await Promise.all(sets)
        assert.equal(
          recording.batches.length - before,
          2,
          'changes did not gather while a batch was in flight',
        )
        assertSame(await storedKey(recording, scope, 'session', 'same'), '39')
      },
    },
    {
      name: 'of sets that nobody awaited, the last one stands',
      needs: ['overlapping sets'],
      async run({ open, openStore, scope }) {
        const { auth, keys } = await open()
        const random = randomOf()
        const expected = new Map<string, string | undefined>()
        const sets: Promise<void>[] = []
        for (let round = 1; round <= 120; round++) {
          const id = `a${random.integer(6)}`
          const value = random.integer(4) === 0 ? undefined : `round ${round}`
          expected.set(id, value)
          sets.push(keys.set({ session: { [id]: value ?? null } }))
          if (random.integer(10) === 0) {
            auth.state.creds.nextPreKeyId = round
            sets.push(auth.saveCreds())
          }
          if (random.integer(5) === 0) await new Promise(setImmediate)
        }
        for (const id of ['ends-removed', 'ends-set']) {
          for (const value of id === 'ends-set' ? ['first', null, 'last'] : ['first', 'last', null]) {
            expected.set(id, value ?? undefined)
            sets.push(keys.set({ session: { [id]: value } }))
          }
        }
        const last = auth.state.creds.nextPreKeyId
        await Promise.all(sets)
        const store = await openStore()
        for (const [id, value] of expected) {
          assertSame(await storedKey(store, scope, 'session', id), value, `${id} (seed ${random.seed})`)
        }
        const creds = await storedCreds(store, scope)
        assert.ok(typeof creds === 'object' && creds !== null && 'nextPreKeyId' in creds)
        assert.equal(creds.nextPreKeyId, last)
      },
    },
    {
      name: 'a batch that is repeated stays before those that came later',
      needs: ['overlapping sets'],
      async run({ failing, open, openStore, scope }) {
        const store = failing(await openStore())
        const { auth, keys } = await open({ store })
        await auth.saveCreds()
        for (const failure of ['before', 'after'] as const) {
          store.fail('write', failure, 2)
          const sets: Promise<void>[] = []
          for (let round = 0; round < 10; round++) {
            sets.push(keys.set({ session: { a: `${failure} ${round}` } }))
            await new Promise(setImmediate)
          }
          await Promise.all(sets)
          assertSame(await storedKey(store, scope, 'session', 'a'), `${failure} 9`)
        }
      },
    },
  ],
}
