import assert from 'node:assert/strict'
import type { Guard } from '../../src/store.ts'
import { type AuthContext, storedKey } from './auth-context.ts'
import type { PromiseCases, StoreContext } from './cases.ts'
import { rejectsWith } from './expect-error.ts'
import { foreignHost, foreignOwner, watchedStore } from './foreign-owner.ts'
import { recordingStore } from './recording-store.ts'
import { assertHolds, assertReads, changesOf, listed, put } from './records.ts'
import { assertSame } from './same.ts'

const fence = '!fence'

/** Promise 7, of the store itself: guards, from which leases are made. */
export const oneWriterStore: PromiseCases<StoreContext> = {
  number: 7,
  promise: 'one writer',
  cases: [
    {
      name: 'a guard on a value lets a batch land only while the record holds exactly that',
      async run({ open, scope }) {
        const store = await open()
        await put(store, scope, { [fence]: 'Token-1' })
        const wrong = ['token-1', 'Token-1 ', 'Token-', 'Token-11', '', '%', 'Token_1', 'TOKEN-1']
        for (const value of wrong) {
          const result = await store.write(scope, changesOf({ creds: value }), [{ name: fence, value }])
          assert.equal(result, false, `the guard took ${JSON.stringify(value)} for "Token-1"`)
        }
        assert.equal(
          await store.write(scope, changesOf({ creds: 'c' }), [{ name: fence, value: 'Token-1' }]),
          true,
        )
        await assertHolds(store, scope, { [fence]: 'Token-1', creds: 'c' })
      },
    },
    {
      name: 'a guard on a value fails while the record, or the whole scope, is absent',
      async run({ open, scope }) {
        const store = await open()
        const guards = [{ name: fence, value: 'mine' }]
        assert.equal(await store.write(scope, changesOf({ [fence]: 'mine', creds: 'c' }), guards), false)
        await put(store, scope, { 'session/a': 'a' })
        assert.equal(await store.write(scope, changesOf({ creds: 'c' }), guards), false)
        await assertHolds(store, scope, { 'session/a': 'a' })
      },
    },
    {
      name: 'a guard on absence lets a batch land only while the record is absent',
      async run({ open, scope }) {
        const store = await open()
        const guards = [{ name: fence, value: undefined }]
        assert.equal(await store.write(scope, changesOf({ [fence]: 'first', creds: '1' }), guards), true)
        assert.equal(await store.write(scope, changesOf({ [fence]: 'second', creds: '2' }), guards), false)
        await assertHolds(store, scope, { [fence]: 'first', creds: '1' })
        await put(store, scope, { [fence]: undefined })
        assert.equal(await store.write(scope, changesOf({ [fence]: 'third', creds: '3' }), guards), true)
        await assertHolds(await open(), scope, { [fence]: 'third', creds: '3' })
      },
    },
    {
      name: 'of many guards, one that fails is enough to refuse the batch, wherever it stands',
      async run({ open, scope }) {
        const store = await open()
        const before = { '!a': '1', '!b': '2', '!c': '3' }
        await put(store, scope, before)
        const holding: readonly Guard[] = changesOf(before)
        for (let at = 0; at < holding.length; at++) {
          for (const value of ['wrong', undefined]) {
            const guards = holding.map((guard, index) => (index === at ? { ...guard, value } : guard))
            // A guard on absence names a record of the batch.
            const batch = changesOf({ 'session/a': 'new', [holding[at]?.name ?? '']: 'new' })
            assert.equal(await store.write(scope, batch, guards), false, `guard ${at} of 3 was overlooked`)
          }
        }
        const absent = { name: '!d', value: undefined }
        const wrongBesideAbsent = [absent, { name: '!a', value: 'wrong' }]
        assert.equal(await store.write(scope, changesOf({ '!d': '4' }), wrongBesideAbsent), false)
        await assertHolds(store, scope, before)
        assert.equal(
          await store.write(scope, changesOf({ '!d': '4', creds: 'c' }), [...holding, absent]),
          true,
        )
        await assertHolds(await open(), scope, { ...before, '!d': '4', creds: 'c' })
      },
    },
    {
      name: 'of twenty racing first openers exactly one wins, and nothing of the others is there',
      async run({ open, scope }) {
        const stores = await Promise.all(Array.from({ length: 20 }, open))
        for (let round = 0; round < 5; round++) {
          const results = await Promise.all(
            stores.map((store, index) =>
              store.write(
                scope,
                changesOf({ [fence]: `owner ${index}`, creds: `${index}`, [`session/${index}`]: 'mine' }),
                [{ name: fence, value: undefined }],
              ),
            ),
          )
          const winners = results.flatMap((won, index) => (won ? [index] : []))
          assert.equal(winners.length, 1, `round ${round} had ${winners.length} winners`)
          const winner = winners[0] ?? -1
          const [reader] = stores
          assert.ok(reader)
          await assertHolds(reader, scope, {
            [fence]: `owner ${winner}`,
            creds: `${winner}`,
            [`session/${winner}`]: 'mine',
          })
          assert.equal(await reader.remove(scope, [{ name: fence, value: `owner ${winner}` }]), true)
        }
      },
    },
    {
      name: 'of racing take-overs of one fence exactly one wins',
      async run({ open, scope }) {
        const stores = await Promise.all(Array.from({ length: 10 }, open))
        await put(await open(), scope, { [fence]: 'round 0' })
        for (let round = 0; round < 5; round++) {
          const results = await Promise.all(
            stores.map((store, index) =>
              store.write(
                scope,
                changesOf({
                  [fence]: index === round ? `round ${round + 1}` : `loser ${index}`,
                  [`s/${index}`]: `${round}`,
                }),
                [{ name: fence, value: `round ${round}` }],
              ),
            ),
          )
          const winners = results.flatMap((won, index) => (won ? [index] : []))
          assert.equal(winners.length, 1, `round ${round} had ${winners.length} winners`)
          const [now] = await (await open()).read(scope, [fence])
          const winner = winners[0] ?? -1
          assert.equal(now, winner === round ? `round ${round + 1}` : `loser ${winner}`)
          const [reader] = stores
          assert.ok(reader)
          await assertReads(reader, scope, { [`s/${winner}`]: `${round}` })
          await put(reader, scope, { [fence]: `round ${round + 1}` })
        }
      },
    },
    {
      name: 'after a take-over the old owner writes not one record more',
      async run({ open, scope }) {
        const [old, fresh] = [await open(), await open()]
        const mine = [{ name: fence, value: 'old' }]
        await put(old, scope, { [fence]: 'old', creds: 'c', 'session/a': 'a' })
        assert.equal(await old.write(scope, changesOf({ 'session/a': 'b' }), mine), true)
        assert.equal(await fresh.write(scope, changesOf({ [fence]: 'new' }), mine), true)
        for (let time = 0; time < 3; time++) {
          assert.equal(
            await old.write(scope, changesOf({ 'session/a': 'late', 'session/z': 'late' }), mine),
            false,
          )
          assert.equal(await old.write(scope, changesOf({ creds: undefined }), mine), false)
          assert.equal(await old.write(scope, changesOf({ [fence]: 'old' }), mine), false)
        }
        assert.equal(await old.remove(scope, mine), false)
        await assertHolds(old, scope, { [fence]: 'new', creds: 'c', 'session/a': 'b' })
        await assertHolds(fresh, scope, { [fence]: 'new', creds: 'c', 'session/a': 'b' })
      },
    },
    {
      name: 'of fenced writes beside a take-over, exactly those that were acknowledged are there',
      async run({ open, scope }) {
        const [old, fresh, reader] = [await open(), await open(), await open()]
        for (let round = 0; round < 10; round++) {
          const mine = [{ name: fence, value: `old ${round}` }]
          const stay = `round-${round}/`
          await put(fresh, scope, { [fence]: `old ${round}` })
          const writes = Array.from({ length: 12 }, (_, index) =>
            old.write(
              scope,
              changesOf({ [`${stay}${index}`]: 'here', [`${stay}${index}-too`]: 'here' }),
              mine,
            ),
          )
          const takeOver = fresh.write(scope, changesOf({ [fence]: `new ${round}` }), mine)
          assert.equal(await takeOver, true)
          const after = await old.write(scope, changesOf({ [`${stay}late`]: 'here' }), mine)
          assert.equal(after, false, 'a write that began after the take-over landed')
          const results = await Promise.all(writes)
          const expected = results.flatMap((won, index) =>
            won ? [`${stay}${index}`, `${stay}${index}-too`] : [],
          )
          const found = await listed(reader, scope, { prefix: stay })
          assert.equal(Array.from(found.keys()).sort().join(), expected.sort().join())
        }
      },
    },
    {
      name: 'the fence is read from the data: a take-over is seen at once by every store',
      async run({ open, scope }) {
        const stores = [await open(), await open(), await open()]
        for (let round = 0; round < 12; round++) {
          const taker = stores[round % 3]
          assert.ok(taker)
          await put(taker, scope, { [fence]: `token ${round}` })
          for (const store of stores) await assertReads(store, scope, { [fence]: `token ${round}` })
        }
      },
    },
    {
      name: 'a batch may change the record that it is guarded by',
      async run({ open, scope }) {
        const store = await open()
        await put(store, scope, { [fence]: '0' })
        for (let round = 0; round < 10; round++) {
          const guards = [{ name: fence, value: `${round}` }]
          assert.equal(await store.write(scope, changesOf({ [fence]: `${round + 1}` }), guards), true)
          assert.equal(await store.write(scope, changesOf({ [fence]: `${round + 1}` }), guards), false)
        }
        const last = [{ name: fence, value: '10' }]
        assert.equal(await store.write(scope, changesOf({ [fence]: undefined, creds: 'c' }), last), true)
        await assertHolds(await open(), scope, { creds: 'c' })
      },
    },
    {
      name: 'a guard looks at its own scope only',
      needs: ['scopes'],
      async run({ open, scope }) {
        const store = await open()
        const other = `${scope}.other`
        await put(store, other, { [fence]: 'mine' })
        assert.equal(
          await store.write(scope, changesOf({ creds: 'c' }), [{ name: fence, value: 'mine' }]),
          false,
        )
        const first = [{ name: fence, value: undefined }]
        assert.equal(await store.write(scope, changesOf({ [fence]: 'other', creds: 'c' }), first), true)
        await assertHolds(store, other, { [fence]: 'mine' })
        await assertHolds(store, scope, { [fence]: 'other', creds: 'c' })
      },
    },
    {
      name: 'records that are not reserved can be guarded too',
      needs: ['plain guards'],
      async run({ open, scope }) {
        const store = await open()
        await put(store, scope, { creds: 'stored text', 'session/a': 'a' })
        const swap = changesOf({ creds: 'stored anew' })
        assert.equal(await store.write(scope, swap, [{ name: 'creds', value: 'another text' }]), false)
        assert.equal(await store.write(scope, swap, [{ name: 'creds', value: 'stored text' }]), true)
        const counts = await Promise.all(
          Array.from({ length: 10 }, (_, index) =>
            store.write(scope, changesOf({ 'session/a': `${index}` }), [{ name: 'session/a', value: 'a' }]),
          ),
        )
        assert.equal(counts.filter(Boolean).length, 1)
        await assertReads(await open(), scope, {
          creds: 'stored anew',
          'session/a': `${counts.indexOf(true)}`,
        })
      },
    },
  ],
}

/** Promise 7, through an auth state: one owner, and every write under its fence. */
export const oneWriterAuthState: PromiseCases<AuthContext> = {
  number: 7,
  promise: oneWriterStore.promise,
  cases: [
    {
      name: 'a session that a living owner elsewhere holds is refused with SESSION_IN_USE, which says who',
      async run({ open, openStore, scope, session }) {
        const inner = await openStore()
        const owner = foreignOwner(inner, scope, session, 150)
        await owner.take()
        const store = watchedStore(inner, owner.beat)
        const before = await inner.read(scope, [fence, 'creds'])
        const error = await rejectsWith(open({ store, lease: { waitMs: 350 } }), 'SESSION_IN_USE')
        assert.ok(error.message.includes(foreignHost), error.message)
        assert.ok(error.message.includes('4711'), error.message)
        assert.equal(error.session, session)
        assert.equal(error.output.statusCode, 409)
        assertSame(await inner.read(scope, [fence, 'creds']), before)
      },
    },
    {
      name: 'a contender waits, and has the session when its owner closes',
      async run({ open, openStore, scope, session }) {
        const inner = await openStore()
        const owner = foreignOwner(inner, scope, session)
        await owner.take()
        let looks = 0
        const store = watchedStore(inner, async () => {
          looks++
          await owner.release()
        })
        const { keys } = await open({ store })
        assert.ok(looks > 0)
        await keys.set({ session: { a: 'a' } })
        assertSame(await storedKey(inner, scope, 'session', 'a'), 'a')
      },
    },
    {
      name: 'a session whose owner gives no sign of life for its ttlMs is taken over',
      async run({ open, openStore, scope, session }) {
        const store = await openStore()
        await foreignOwner(store, scope, session, 600).take()
        const { keys } = await open({ lease: { waitMs: 20_000 } })
        await keys.set({ session: { a: 'a' } })
        assertSame(await storedKey(store, scope, 'session', 'a'), 'a')
      },
    },
    {
      name: "onHeld: 'takeOver' takes a session from its living owner, whose writes are refused from then on",
      async run({ open, openStore, scope, session }) {
        const store = await openStore()
        const owner = foreignOwner(store, scope, session)
        await owner.take()
        const { keys } = await open({ lease: { onHeld: 'takeOver' } })
        await keys.set({ session: { a: 'a' } })
        const late = changesOf({ 'session/a': '"late"' })
        assert.equal(await store.write(scope, late, [{ name: fence, value: owner.fence }]), false)
        assertSame(await storedKey(store, scope, 'session', 'a'), 'a')
      },
    },
    {
      name: 'an owner that lost its lease writes nothing more, rejects with LEASE_LOST, and its signal aborts',
      async run({ open, openStore, refuses, scope, session }) {
        const store = await openStore()
        const { auth, keys } = await open()
        await auth.saveCreds()
        await keys.set({ session: { a: 'old' } })
        await foreignOwner(store, scope, session).take()
        const before = Object.fromEntries(await listed(store, scope))
        const set = keys.set({ session: { a: 'late', b: 'late' } })
        await refuses(set, 'LEASE_LOST')
        assert.equal(auth.signal.aborted, true)
        const error = await rejectsWith(Promise.reject(auth.signal.reason), 'LEASE_LOST')
        assert.ok(error.message.includes(foreignHost), error.message)
        assert.equal(error.output.statusCode, 440)
        await refuses(keys.set({ session: { c: 'late' } }), 'LEASE_LOST')
        auth.state.creds.nextPreKeyId = 4711
        await rejectsWith(auth.saveCreds(), 'LEASE_LOST')
        await auth.close().catch(() => {})
        assertSame(
          Object.fromEntries(await listed(store, scope)),
          before,
          'the scope after the lease was lost',
        )
      },
    },
    {
      name: 'a batch that is held up until after a take-over lands nowhere',
      async run({ delaying, open, openStore, refuses, scope, session }) {
        const inner = await openStore()
        const store = delaying(inner)
        const { auth, keys } = await open({ store })
        await auth.saveCreds()
        await keys.set({ session: { a: 'old' } })
        store.hold('write')
        const set = keys.set({ session: { a: 'late' } })
        await store.waiting('write')
        await foreignOwner(inner, scope, session).take()
        store.release('write')
        await refuses(set, 'LEASE_LOST')
        assertSame(await storedKey(inner, scope, 'session', 'a'), 'old')
      },
    },
    {
      name: 'every batch is guarded by the fence as it stands',
      async run({ open, openStore, scope }) {
        const store = recordingStore(await openStore())
        const { auth, keys } = await open({ store })
        await keys.set({ session: { a: 'a' } })
        await auth.saveCreds()
        await keys.set({ session: { a: null } })
        const [now] = await store.read(scope, [fence])
        assert.ok(now !== undefined)
        assert.ok(store.batches.length > 0)
        for (const { guards } of store.batches) {
          assert.ok(
            guards.some(guard => guard.name === fence && guard.value === now),
            'a batch was sent without the fence as its guard',
          )
        }
      },
    },
    {
      name: 'a process that opens a session again has the same creds, and the newer handle retires the older',
      async run({ open, openStore, refuses, scope }) {
        const older = await open()
        await older.keys.set({ session: { a: 'older' } })
        const newer = await open()
        assert.equal(newer.auth.state.creds, older.auth.state.creds, 'two handles have creds of their own')
        await older.keys.set({ session: { b: 'older' } })
        await newer.keys.set({ session: { a: 'newer' } })
        await refuses(older.keys.set({ session: { a: 'late' } }), 'SESSION_CLOSED')
        await rejectsWith(older.auth.saveCreds(), 'SESSION_CLOSED')
        assertSame(await older.auth.state.keys.get('session', ['a']), { a: 'newer' })
        await older.auth.close()
        await newer.keys.set({ session: { c: 'newer' } })
        const store = await openStore()
        for (const [id, value] of [
          ['a', 'newer'],
          ['b', 'older'],
          ['c', 'newer'],
        ] as const) {
          assertSame(await storedKey(store, scope, 'session', id), value)
        }
      },
    },
  ],
}
