import assert from 'node:assert/strict'
import type { Store } from '../../src/store.ts'
import { type AuthContext, isPending, storedKey } from './auth-context.ts'
import type { PromiseCases, StoreContext } from './cases.ts'
import { rejectsWith } from './expect-error.ts'
import { passThrough } from './pass-through.ts'
import { assertReads, changesOf, put } from './records.ts'
import { assertSame } from './same.ts'

/** Promise 4, of the store itself: no read sees what has not landed. */
export const readLandedStore: PromiseCases<StoreContext> = {
  number: 4,
  promise: 'never read what may be lost',
  cases: [
    {
      name: 'a read beside a batch that its guard refuses never sees the batch',
      async run({ open, scope }) {
        const [store, other] = [await open(), await open()]
        await put(store, scope, { '!fence': 'mine', 'session/a': 'old' })
        for (let round = 0; round < 10; round++) {
          const batch = changesOf({ 'session/a': 'refused', 'session/b': 'refused' })
          const write = store.write(scope, batch, [{ name: '!fence', value: 'other' }])
          const reads = [store, other, store].map(reader => reader.read(scope, ['session/a', 'session/b']))
          assert.equal(await write, false)
          for (const values of await Promise.all(reads)) {
            assert.equal(values[0], 'old', 'a read saw a change that never landed')
            assert.equal(values[1], undefined, 'a read saw a change that never landed')
          }
        }
        await assertReads(store, scope, { 'session/a': 'old', 'session/b': undefined })
      },
    },
    {
      name: 'what a read has seen beside a write, a later read through another store sees too',
      async run({ open, scope }) {
        const [writer, other] = [await open(), await open()]
        await put(writer, scope, { counter: '0' })
        for (let round = 1; round <= 15; round++) {
          const write = writer.write(scope, [{ name: 'counter', value: String(round) }])
          const [seen] = await writer.read(scope, ['counter'])
          const [seenLater] = await other.read(scope, ['counter'])
          assert.ok(
            Number(seenLater) >= Number(seen),
            `one store read ${seen}, and another one read ${seenLater} afterwards`,
          )
          assert.equal(await write, true)
        }
      },
    },
    {
      name: 'once a write resolved, no read by any store sees what was before',
      async run({ open, scope }) {
        const stores = [await open(), await open(), await open()]
        for (let round = 0; round < 10; round++) {
          // Reads from before the write may still be under way when it resolves: what they bring must not stick.
          const before = stores.map(store => store.read(scope, ['session/a', '!fence']))
          await put(stores[round % 2] ?? (await open()), scope, {
            'session/a': `${round}`,
            '!fence': `${round}`,
          })
          await Promise.all(before)
          for (const store of stores) {
            await assertReads(store, scope, { 'session/a': `${round}`, '!fence': `${round}` })
          }
        }
      },
    },
  ],
}

/** Promise 4, through an auth state: reads wait for what is in flight, and the cache never runs ahead of the store. */
export const readLandedAuthState: PromiseCases<AuthContext> = {
  number: 4,
  promise: readLandedStore.promise,
  cases: [
    {
      name: 'a read of a record whose change is in flight waits for it, and other reads do not',
      async run({ delaying, open, openStore }) {
        const store = delaying(await openStore())
        const { auth, keys } = await open({ store })
        await auth.saveCreds()
        await keys.set({ session: { a: 'old', b: 'b' } })
        store.hold('write')
        const set = keys.set({ session: { a: 'new' } })
        const queued = keys.get('session', ['a'])
        await store.waiting('write')
        const inFlight = keys.get('session', ['a'])
        assertSame(await keys.get('session', ['b', 'c']), { b: 'b', c: null })
        assert.equal(await isPending(queued), true, 'a read saw a change before it landed')
        assert.equal(await isPending(inFlight), true, 'a read saw a change before it landed')
        store.release('write')
        await set
        assertSame(await queued, { a: 'new' })
        assertSame(await inFlight, { a: 'new' })
      },
    },
    {
      name: 'a batch that failed leaves the cache as it was',
      async run({ failing, open, openStore }) {
        const inner = failing(await openStore())
        const store: Store = { ...passThrough(inner), isPermanent: () => true }
        const { auth, keys } = await open({ store })
        await auth.saveCreds()
        await keys.set({ session: { a: 'old', gone: 'here' } })
        inner.fail('write')
        await rejectsWith(keys.set({ session: { a: 'new', b: 'b', gone: null } }), 'WRITE_FAILED')
        inner.mend()
        assertSame(await keys.get('session', ['a', 'b', 'gone']), { a: 'old', b: null, gone: 'here' })
      },
    },
    {
      name: 'after a batch of unknown outcome, a read says what the store holds',
      async run({ failing, open, openStore, scope }) {
        const store = failing(await openStore())
        for (const failure of ['before', 'after'] as const) {
          const { auth, keys } = await open({ store, retry: { forMs: 1_000 } })
          await auth.saveCreds()
          await keys.set({ session: { a: 'old' } })
          store.fail('write', failure)
          await rejectsWith(keys.set({ session: { a: 'new' } }), 'WRITE_FAILED')
          store.mend()
          const [read, stored] = [
            await keys.get('session', ['a']),
            await storedKey(store, scope, 'session', 'a'),
          ]
          assertSame(read, { a: stored }, `after a failure ${failure} landing, a read`)
          await auth.close()
        }
      },
    },
    {
      name: 'a read that began before a change leaves nothing old in the cache',
      async run({ delaying, open, openStore }) {
        const first = await open()
        await first.keys.set({ session: { a: 'old', b: 'old' } })
        await first.auth.close()
        const store = delaying(await openStore())
        const { keys } = await open({ store })
        for (const id of ['a', 'b']) {
          store.hold('read')
          const early = keys.get('session', [id])
          await store.waiting('read')
          const set = keys.set({ session: { [id]: 'new' } })
          const late = id === 'b' ? keys.get('session', [id]) : undefined
          await set
          store.release('read')
          const seen = (await early)[id]
          assert.ok(seen === 'old' || seen === 'new')
          if (late !== undefined) assertSame(await late, { [id]: 'new' })
          assertSame(
            await keys.get('session', [id]),
            { [id]: 'new' },
            'after an early read ended late, a read',
          )
        }
      },
    },
    {
      name: 'once a set resolved, every read sees it',
      async run({ open }) {
        const { keys } = await open()
        for (let round = 0; round < 30; round++) {
          const before = keys.get('session', ['a', 'b'])
          await keys.set({ session: { a: `${round}`, b: round % 2 === 0 ? null : 'b' } })
          await before
          assertSame(await keys.get('session', ['a', 'b']), {
            a: `${round}`,
            b: round % 2 === 0 ? null : 'b',
          })
        }
      },
    },
  ],
}
