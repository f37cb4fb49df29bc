import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { decode, encode } from '../../src/buffer-json.ts'
import { type AuthContext, storedCreds, storedKey } from './auth-context.ts'
import type { PromiseCases, StoreContext } from './cases.ts'
import { rejectsWith } from './expect-error.ts'
import { assertHolds, assertReads, changesOf, listedScopes, numbered, put } from './records.ts'
import { assertSame } from './same.ts'

const fence = '!fence'
const mine = [{ name: fence, value: 'mine' }]

/** Promise 9, of the store itself: a removed scope is gone, and guarded late writes can't bring it back. */
export const removedStore: PromiseCases<StoreContext> = {
  number: 9,
  promise: 'removed stays removed',
  cases: [
    {
      name: 'a removed scope holds nothing, reserved records included, for every store',
      async run({ open, scope }) {
        const [store, other] = [await open(), await open()]
        await put(store, scope, { [fence]: 'mine', creds: 'c', 'session/a': 'a' })
        await assertReads(other, scope, { creds: 'c', [fence]: 'mine' })
        assert.equal(await store.remove(scope), true)
        for (const reader of [store, other, await open()]) {
          await assertHolds(reader, scope, {})
          await assertReads(reader, scope, { [fence]: undefined, creds: undefined, 'session/a': undefined })
          assert.equal((await listedScopes(reader)).length, 0)
        }
      },
    },
    {
      name: 'late writes of the former owner are refused, and the scope does not rise again',
      async run({ open, scope }) {
        const [owner, remover] = [await open(), await open()]
        await put(owner, scope, { [fence]: 'mine', creds: 'c', 'session/a': 'a' })
        assert.equal(await remover.remove(scope, mine), true)
        for (let time = 0; time < 3; time++) {
          assert.equal(
            await owner.write(scope, changesOf({ creds: 'late', 'session/a': 'late' }), mine),
            false,
          )
          assert.equal(
            await owner.write(scope, changesOf({ [fence]: 'mine', 'session/b': 'late' }), mine),
            false,
          )
        }
        await assertHolds(await open(), scope, {})
        assert.equal((await listedScopes(owner)).length, 0)
      },
    },
    {
      name: 'a removal whose guard fails removes nothing',
      async run({ open, scope }) {
        const store = await open()
        const before = { [fence]: 'mine', creds: 'c', 'session/a': 'a' }
        await put(store, scope, before)
        assert.equal(await store.remove(scope, [{ name: fence, value: 'theirs' }]), false)
        assert.equal(await store.remove(scope, [{ name: fence, value: undefined }]), false)
        assert.equal(await store.remove(scope, [...mine, { name: '!other', value: 'x' }]), false)
        await assertHolds(await open(), scope, before)
      },
    },
    {
      name: 'removing what is absent is no error, and a guard on a value then fails',
      async run({ open, scope }) {
        const store = await open()
        assert.equal(await store.remove(scope), true)
        assert.equal(await store.remove(scope, mine), false)
        await put(store, scope, { creds: 'c' })
        assert.equal(await store.remove(scope), true)
        assert.equal(await store.remove(scope), true)
        await assertHolds(store, scope, {})
      },
    },
    {
      name: 'a scope that was removed can be made anew, and holds nothing of the old one',
      async run({ open, scope }) {
        const store = await open()
        const first = [{ name: fence, value: undefined }]
        assert.equal(
          await store.write(
            scope,
            numbered(812, 'pre-key/', () => 'old'),
          ),
          true,
        )
        await put(store, scope, { [fence]: 'mine', creds: 'old' })
        assert.equal(await store.remove(scope, mine), true)
        assert.equal(await store.write(scope, changesOf({ [fence]: 'new', creds: 'new' }), first), true)
        assert.equal(await store.write(scope, changesOf({ creds: 'late' }), mine), false)
        await assertHolds(await open(), scope, { [fence]: 'new', creds: 'new' })
      },
    },
    {
      name: 'of writes beside a removal, none is there once both are done',
      async run({ open, scope }) {
        const [owner, remover] = [await open(), await open()]
        for (let round = 0; round < 10; round++) {
          await put(remover, scope, { [fence]: 'mine', creds: 'c' })
          const writes = Array.from({ length: 10 }, (_, index) =>
            owner.write(scope, changesOf({ [`session/${index}`]: 'a', creds: `${index}` }), mine),
          )
          assert.equal(await remover.remove(scope, mine), true)
          await Promise.all(writes)
          await assertHolds(remover, scope, {})
        }
      },
    },
    {
      name: 'neighbours of a removed scope keep every record',
      needs: ['scopes'],
      async run({ open, scope }) {
        const store = await open()
        const bot = `${scope}bot1`
        const neighbours = [
          `${scope}bot10`,
          `${scope}bot`,
          `${scope}Bot1`,
          `${scope}bot1/x`,
          `${scope}bot1.x`,
          `${scope}bot%31`,
          `${scope}bot_`,
          `${scope}bot1~x`,
          `x${bot}`,
          `${bot}:`,
        ]
        for (const neighbour of [bot, ...neighbours]) {
          await put(store, neighbour, { [fence]: 'mine', creds: neighbour, [`session/${bot}`]: 'a' })
        }
        assert.equal(await store.remove(bot, mine), true)
        await assertHolds(store, bot, {})
        for (const neighbour of neighbours) {
          await assertHolds(store, neighbour, { [fence]: 'mine', creds: neighbour, [`session/${bot}`]: 'a' })
        }
        assert.equal((await listedScopes(await open())).join('\n'), neighbours.sort().join('\n'))
      },
    },
    {
      name: 'removing the scope _ or % removes no other',
      needs: ['scopes'],
      async run({ open }) {
        const store = await open()
        const scopes = ['_', '%', '%25', 'a', '+', '.', '..', '-']
        for (const scope of scopes) await put(store, scope, { creds: scope })
        for (const scope of scopes.slice(0, 2)) assert.equal(await store.remove(scope), true)
        assert.equal((await listedScopes(store)).join(), scopes.slice(2).sort().join())
        for (const scope of scopes.slice(2)) await assertHolds(store, scope, { creds: scope })
      },
    },
  ],
}

/** Promise 9, through an auth state: nothing that a closing socket still does brings a session back. */
export const removedAuthState: PromiseCases<AuthContext> = {
  number: 9,
  promise: removedStore.promise,
  cases: [
    {
      name: 'after remove nothing is left, late changes are refused, and nothing rises again',
      async run({ open, openStore, refuses, scope }) {
        const { auth, keys } = await open()
        await auth.saveCreds()
        await keys.set({ session: { a: 'a' }, 'pre-key': { 1: 'p' } })
        await auth.remove()
        await refuses(keys.set({ session: { a: 'late' } }), 'SESSION_REMOVED')
        auth.state.creds.nextPreKeyId = 99
        const error = await rejectsWith(auth.saveCreds(), 'SESSION_REMOVED')
        assert.equal(error.output.statusCode, 410)
        await rejectsWith(auth.state.keys.get('session', ['a']), 'SESSION_REMOVED')
        assert.equal(auth.signal.aborted, true)
        await auth.close()
        await assertHolds(await openStore(), scope, {})
        assert.equal((await listedScopes(await openStore())).length, 0)
      },
    },
    {
      name: 'changes that are queued or in flight when a session is removed are gone with it',
      async run({ delaying, open, openStore, refuses, scope }) {
        const inner = await openStore()
        const store = delaying(inner)
        const { auth, keys } = await open({ store })
        await auth.saveCreds()
        store.hold('write')
        const inFlight = keys.set({ session: { a: 'in flight' } })
        await store.waiting('write')
        const queued = keys.set({ session: { b: 'queued' } })
        const outcomes = Promise.allSettled([inFlight, queued])
        await auth.remove()
        store.release('write')
        await outcomes
        await refuses(queued, 'SESSION_REMOVED')
        await new Promise(setImmediate)
        await assertHolds(inner, scope, {})
      },
    },
    {
      name: 'a session that is opened after its removal has a new identity, and the old handle stays dead',
      async run({ open, openStore, refuses, scope }) {
        const old = await open()
        await old.keys.set({ session: { a: 'old' } })
        await old.auth.remove()
        const fresh = await open()
        assert.notEqual(
          JSON.stringify(fresh.auth.state.creds.noiseKey),
          JSON.stringify(old.auth.state.creds.noiseKey),
        )
        assertSame(await fresh.auth.state.keys.get('session', ['a']), { a: null })
        await fresh.keys.set({ session: { b: 'fresh' } })
        await refuses(old.keys.set({ session: { a: 'late' } }), 'SESSION_REMOVED')
        await rejectsWith(old.auth.saveCreds(), 'SESSION_REMOVED')
        const store = await openStore()
        assertSame(await storedKey(store, scope, 'session', 'a'), undefined)
        assertSame(await storedKey(store, scope, 'session', 'b'), 'fresh')
        assertSame(await storedCreds(store, scope), decode(encode(fresh.auth.state.creds)))
      },
    },
    {
      name: 'a session that was removed from outside is not written again, and opening it makes a new one',
      async run({ open, openStore, refuses, scope }) {
        const store = await openStore()
        const old = await open()
        await old.auth.saveCreds()
        await old.keys.set({ session: { a: 'old' } })
        assert.equal(await store.remove(scope), true)
        const fresh = await open()
        assert.notEqual(fresh.auth.state.creds, old.auth.state.creds)
        assert.notEqual(
          JSON.stringify(fresh.auth.state.creds.noiseKey),
          JSON.stringify(old.auth.state.creds.noiseKey),
        )
        await refuses(old.keys.set({ session: { a: 'late' } }), 'SESSION_REMOVED')
        await fresh.keys.set({ session: { b: 'fresh' } })
        assertSame(await storedKey(store, scope, 'session', 'a'), undefined)
      },
    },
    {
      name: 'a write after a removal from outside is refused with SESSION_REMOVED and makes nothing',
      async run({ open, openStore, refuses, scope }) {
        const store = await openStore()
        const { auth, keys } = await open()
        await auth.saveCreds()
        assert.equal(await store.remove(scope), true)
        await refuses(keys.set({ session: { a: 'late' } }), 'SESSION_REMOVED')
        assert.equal(auth.signal.aborted, true)
        await assertHolds(store, scope, {})
      },
    },
    {
      name: "a logout removes the session with onLoggedOut: 'remove', and keeps it without",
      async run({ open, openStore, scope }) {
        const store = await openStore()
        for (const onLoggedOut of ['keep', 'remove'] as const) {
          const { auth, keys } = await open()
          await auth.saveCreds()
          await keys.set({ session: { a: 'a' } })
          const ev = new EventEmitter()
          auth.bind(ev, { onLoggedOut })
          const removed = new Promise(resolve => auth.signal.addEventListener('abort', resolve))
          const error = Object.assign(new Error('logged out'), { output: { statusCode: 401 } })
          ev.emit('connection.update', { connection: 'close', lastDisconnect: { error, date: new Date() } })
          if (onLoggedOut === 'remove') await removed
          else await auth.close()
          assertSame(
            await storedKey(store, scope, 'session', 'a'),
            onLoggedOut === 'remove' ? undefined : 'a',
          )
        }
      },
    },
  ],
}
