import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { ownersScope } from '../../src/names.ts'
import { parseFence } from '../../src/session/fence.ts'
import type { Store } from '../../src/store.ts'
import { type AuthContext, isPending, storedCreds, storedKey } from './auth-context.ts'
import type { PromiseCases, StoreContext } from './cases.ts'
import { rejectsWith } from './expect-error.ts'
import { foreignOwner } from './foreign-owner.ts'
import { assertHolds, assertReads, listed, numbered, put } from './records.ts'
import { assertSame } from './same.ts'

/** Promise 12, of the store itself: opening touches nothing, closing one store leaves the others. */
export const cleanEndsStore: PromiseCases<StoreContext> = {
  number: 12,
  promise: 'clean ends',
  cases: [
    {
      name: 'stores opened at once on new data all work',
      async run({ open, scope }) {
        const stores = await Promise.all(Array.from({ length: 5 }, open))
        for (const [at, store] of stores.entries()) await put(store, scope, { [`session/${at}`]: `${at}` })
        for (const store of stores) {
          await assertHolds(
            store,
            scope,
            Object.fromEntries(stores.map((_, at) => [`session/${at}`, `${at}`])),
          )
        }
      },
    },
    {
      name: 'opening data that is there changes nothing, not even beside a writer',
      async run({ open, scope }) {
        const owner = await open()
        const guards = [{ name: '!fence', value: 'mine' }]
        await put(owner, scope, { '!fence': 'mine', creds: '0' })
        for (let round = 1; round <= 10; round++) {
          const write = owner.write(scope, [{ name: 'creds', value: `${round}` }], guards)
          const store = await open()
          assert.equal(await write, true, 'opening a second store broke the first one')
          await assertReads(store, scope, { '!fence': 'mine', creds: `${round}` })
        }
        await owner.open()
        await assertHolds(owner, scope, { '!fence': 'mine', creds: '10' })
      },
    },
    {
      name: 'closing one store leaves another one on the same data working',
      async run({ close, open, scope }) {
        const [first, second] = [await open(), await open()]
        await put(first, scope, { creds: '1' })
        await close(first)
        await assertReads(second, scope, { creds: '1' })
        await put(second, scope, { creds: '2' })
        await assertHolds(second, scope, { creds: '2' })
        await assertHolds(await open(), scope, { creds: '2' })
      },
    },
    {
      name: 'a list that is left early, or never begun, holds nothing up',
      async run({ open, scope }) {
        const store = await open()
        assert.equal(await store.write(scope, numbered(1200, 'session/', String)), true)
        for (let time = 0; time < 12; time++) {
          for await (const page of store.list(scope, { values: true })) {
            assert.ok(page.length > 0)
            break
          }
          store.list(scope)
        }
        await put(store, scope, { creds: 'c' })
        await assertReads(store, scope, { creds: 'c' })
      },
    },
    {
      name: 'the identity says that stores share data, and kind, limits and durability are stated',
      async run({ open }) {
        const [first, second] = [await open(), await open()]
        assert.ok(first.identity.length > 0)
        assert.equal(first.identity.length, second.identity.length)
        first.identity.forEach((item, at) => {
          assert.ok(
            item === second.identity[at],
            `item ${at} of the identity differs between stores on the same data`,
          )
        })
        assert.ok(first.kind.length > 0)
        assert.ok(first.limits.readNames > 0 && first.limits.batchBytes > 0)
        assert.ok(['none', 'process', 'disk', 'server'].includes(first.durability))
      },
    },
  ],
}

/** Promise 12, through an auth state: what is pending lands, the lease is released, the store stays the caller's. */
export const cleanEndsAuthState: PromiseCases<AuthContext> = {
  number: 12,
  promise: cleanEndsStore.promise,
  cases: [
    {
      name: 'close lands what is pending and releases the lease',
      async run({ open, openStore, scope }) {
        const { auth, keys } = await open()
        const set = keys.set({ session: { a: 'pending' } })
        auth.state.creds.nextPreKeyId = 42
        const saved = auth.saveCreds()
        await reached(set)
        await auth.close()
        const store = await openStore()
        assertSame(await storedKey(store, scope, 'session', 'a'), 'pending')
        const creds = await storedCreds(store, scope)
        assert.ok(typeof creds === 'object' && creds !== null && 'nextPreKeyId' in creds)
        assert.equal(creds.nextPreKeyId, 42)
        await Promise.all([set, saved])
        await assertReleased(store, scope)
      },
    },
    {
      name: 'after close changes are refused with SESSION_CLOSED, and closing again is no error',
      async run({ open, openStore, refuses, scope }) {
        const { auth, keys } = await open()
        await keys.set({ session: { a: 'a' } })
        await Promise.all([auth.close(), auth.close()])
        await auth.close()
        await refuses(keys.set({ session: { a: 'late' } }), 'SESSION_CLOSED')
        auth.state.creds.nextPreKeyId = 99
        await rejectsWith(auth.saveCreds(), 'SESSION_CLOSED')
        assertSame(await storedKey(await openStore(), scope, 'session', 'a'), 'a')
      },
    },
    {
      name: 'close leaves the store open, and the next opener need not wait',
      async run({ open, openStore, scope }) {
        const store = await openStore()
        for (let round = 0; round < 5; round++) {
          const { auth, keys } = await open({ store, lease: { waitMs: 0 } })
          await keys.set({ session: { a: `${round}` } })
          await auth.close()
          assertSame(await storedKey(store, scope, 'session', 'a'), `${round}`)
        }
      },
    },
    {
      name: 'an owner elsewhere takes a session over at once when it was closed',
      async run({ open, openStore, scope, session }) {
        const { auth, keys } = await open()
        await keys.set({ session: { a: 'a' } })
        await auth.close()
        const store = await openStore()
        const owner = foreignOwner(store, scope, session)
        await owner.take()
        const guards = [{ name: '!fence', value: owner.fence }]
        assert.equal(await store.write(scope, [{ name: 'session/a', value: '"b"' }], guards), true)
        await owner.release()
      },
    },
    {
      name: 'leaving an await using block closes',
      async run({ open, openStore, refuses, scope }) {
        const { auth, keys } = await open()
        const set = keys.set({ session: { a: 'a' } })
        await reached(set)
        await auth[Symbol.asyncDispose]()
        await set
        assertSame(await storedKey(await openStore(), scope, 'session', 'a'), 'a')
        await assertReleased(await openStore(), scope)
        await refuses(keys.set({ session: { a: 'late' } }), 'SESSION_CLOSED')
      },
    },
    {
      name: 'flush resolves when everything changed so far has landed',
      needs: ['calls as they come'],
      async run({ delaying, open, openStore, scope }) {
        const inner = await openStore()
        const store = delaying(inner)
        const { auth, keys } = await open({ store })
        await auth.saveCreds()
        await auth.flush()
        store.hold('write')
        const sets = [keys.set({ session: { a: 'a' } })]
        await store.waiting('write')
        sets.push(keys.set({ session: { b: 'b' } }))
        await new Promise(setImmediate)
        const flushed = auth.flush()
        assert.equal(await isPending(flushed), true, 'flush resolved before the changes landed')
        store.release('write')
        await flushed
        for (const id of ['a', 'b']) assertSame(await storedKey(inner, scope, 'session', id), id)
        await Promise.all(sets)
      },
    },
    {
      name: 'closing an older handle leaves the newer one working',
      async run({ open, openStore, scope }) {
        const older = await open()
        const newer = await open()
        const set = older.keys.set({ session: { a: 'older' } })
        await reached(set)
        await older.auth.close()
        assertSame(await storedKey(await openStore(), scope, 'session', 'a'), 'older')
        await newer.keys.set({ session: { b: 'newer' } })
        assert.equal(newer.auth.signal.aborted, false)
        await newer.auth.close()
        assertSame(await storedKey(await openStore(), scope, 'session', 'b'), 'newer')
        await set
      },
    },
    {
      name: 'the last close takes the owner’s heartbeat with it',
      needs: ['scopes'],
      async run({ open, openStore, session }) {
        const store = await openStore()
        const [first, second] = [await open({ store }), await open({ store, session: `${session}-2` })]
        await first.keys.set({ session: { a: 'a' } })
        assert.equal(
          (await listed(store, ownersScope)).size,
          1,
          'two sessions of one owner have other than one heartbeat',
        )
        await first.auth.close()
        assert.equal((await listed(store, ownersScope)).size, 1)
        await second.auth.close()
        assert.equal((await listed(store, ownersScope)).size, 0)
      },
    },
    {
      name: 'a bound emitter saves creds at each update until it is unbound',
      async run({ open, openStore, scope }) {
        const { auth } = await open()
        const ev = new EventEmitter()
        const unbind = auth.bind(ev)
        auth.state.creds.nextPreKeyId = 7
        ev.emit('creds.update', { nextPreKeyId: 7 })
        await auth.flush()
        unbind()
        auth.state.creds.nextPreKeyId = 8
        ev.emit('creds.update', { nextPreKeyId: 8 })
        await auth.flush()
        assert.equal(ev.listenerCount('creds.update') + ev.listenerCount('connection.update'), 0)
        const creds = await storedCreds(await openStore(), scope)
        assert.ok(typeof creds === 'object' && creds !== null && 'nextPreKeyId' in creds)
        assert.equal(creds.nextPreKeyId, 7)
      },
    },
  ],
}

/** A wrapper may take a few turns until a change reaches the auth state, which then is pending there. */
async function reached(set: Promise<unknown>): Promise<void> {
  set.catch(() => {})
  for (let turn = 0; turn < 12; turn++) await Promise.resolve()
}

async function assertReleased(store: Store, scope: string): Promise<void> {
  const [text] = await store.read(scope, ['!fence'])
  const fence = text === undefined ? undefined : parseFence(text)
  assert.ok(
    fence === undefined || (typeof fence === 'object' && fence.released === true),
    'the lease was not released',
  )
}
