import assert from 'node:assert/strict'
import type { Store } from '../../src/store.ts'
import { type AuthContext, storedCreds, storedKey } from './auth-context.ts'
import type { PromiseCases, StoreContext } from './cases.ts'
import { passThrough } from './pass-through.ts'
import { recordingStore } from './recording-store.ts'
import { assertHolds, changesOf, listed, numbered, put } from './records.ts'
import { assertSame } from './same.ts'

/** Promise 2, of the store itself: a batch lands whole or not at all, and may be sent again. */
export const atomicStore: PromiseCases<StoreContext> = {
  number: 2,
  promise: 'atomic',
  cases: [
    {
      name: 'a batch of many types with removals among them lands whole',
      async run({ open, scope }) {
        const store = await open()
        await put(store, scope, {
          creds: '1',
          'pre-key/1': 'one',
          'pre-key/2': 'two',
          'session/a.0': 'old',
          'sender-key/g': 'g',
        })
        await put(store, scope, {
          creds: '2',
          'pre-key/1': undefined,
          'pre-key/3': 'three',
          'session/a.0': 'new',
          'session/b.0': 'b',
          'sender-key/g': undefined,
          'identity-key/never-there': undefined,
        })
        await assertHolds(await open(), scope, {
          creds: '2',
          'pre-key/2': 'two',
          'pre-key/3': 'three',
          'session/a.0': 'new',
          'session/b.0': 'b',
        })
      },
    },
    {
      name: 'a batch whose guard fails changes nothing: no new record, no changed one, no removal',
      async run({ open, scope }) {
        const store = await open()
        const before = { '!fence': 'mine', creds: 'old', 'session/a': 'old', 'session/b': 'old' }
        await put(store, scope, before)
        const batch = changesOf({
          'aaa/first': 'new',
          creds: 'new',
          'session/a': undefined,
          'session/b': 'new',
          'zzz/last': 'new',
          '!fence': 'theirs',
        })
        assert.equal(await store.write(scope, batch, [{ name: '!fence', value: 'other' }]), false)
        await assertHolds(store, scope, before)
        await assertHolds(await open(), scope, before)
      },
    },
    {
      name: 'a batch whose guard fails leaves no trace of a scope that was not there',
      async run({ open, scope }) {
        const store = await open()
        const guards = [{ name: '!fence', value: 'mine' }]
        assert.equal(await store.write(scope, numbered(50, 'session/', String), guards), false)
        await assertHolds(await open(), scope, {})
      },
    },
    {
      name: 'reads beside writes see all of a batch or nothing of it',
      async run({ open, scope }) {
        const [writer, reader] = [await open(), await open()]
        const names = numbered(40, 'session/', String).map(change => change.name)
        const batchOf = (round: number) => names.map(name => ({ name, value: `round ${round}` }))
        assert.equal(await writer.write(scope, batchOf(0)), true)
        let writing = true
        const writes = (async () => {
          for (let round = 1; round <= 30; round++) await writer.write(scope, batchOf(round))
        })().finally(() => {
          writing = false
        })
        let lastSeen = 0
        const readAll = async (store: typeof reader) => {
          const values = await store.read(scope, names)
          assert.equal(new Set(values).size, 1, `one read saw ${Array.from(new Set(values)).join(' and ')}`)
          return Number(values[0]?.slice('round '.length))
        }
        do {
          const [mine, other] = await Promise.all([readAll(reader), readAll(writer)])
          assert.ok(mine >= lastSeen, `a read went back from round ${lastSeen} to ${mine}`)
          lastSeen = mine
          assert.ok(other >= 0)
          await new Promise(setImmediate)
        } while (writing)
        await writes
        assert.equal(await readAll(reader), 30)
      },
    },
    {
      name: 'reads beside batches that remove and make records see all of a batch or nothing of it',
      async run({ open, scope }) {
        const [writer, reader] = [await open(), await open()]
        const even = numbered(20, 'even/', () => 'here')
        const odd = numbered(20, 'odd/', () => 'here')
        const gone = (changes: typeof even) => changes.map(({ name }) => ({ name, value: undefined }))
        assert.equal(await writer.write(scope, even), true)
        let writing = true
        const writes = (async () => {
          for (let round = 0; round < 20; round++) {
            const [made, removed] = round % 2 === 0 ? [odd, even] : [even, odd]
            await writer.write(scope, [...made, ...gone(removed)])
          }
        })().finally(() => {
          writing = false
        })
        const names = [...even, ...odd].map(change => change.name)
        do {
          const values = await reader.read(scope, names)
          assert.equal(values.filter(value => value === 'here').length, 20, 'a read saw a part of a batch')
          assert.equal(new Set(values.slice(0, 20)).size, 1, 'a read saw a part of a batch')
          await new Promise(setImmediate)
        } while (writing)
        await writes
      },
    },
    {
      name: 'the same batch, sent again, leaves what it left the first time',
      async run({ open, scope }) {
        const store = await open()
        await put(store, scope, { '!fence': 'mine', 'session/a': 'old', 'session/b': 'old' })
        const batch = changesOf({ 'session/a': 'new', 'session/b': undefined, 'session/c': 'new' })
        const guards = [{ name: '!fence', value: 'mine' }]
        for (let time = 0; time < 3; time++) assert.equal(await store.write(scope, batch, guards), true)
        await assertHolds(store, scope, { '!fence': 'mine', 'session/a': 'new', 'session/c': 'new' })
        await assertHolds(await open(), scope, { '!fence': 'mine', 'session/a': 'new', 'session/c': 'new' })
      },
    },
    {
      name: 'a batch that removes 812 records and makes 812 others lands whole',
      async run({ open, scope }) {
        const store = await open()
        const old = numbered(812, 'pre-key/', () => 'old')
        assert.equal(await store.write(scope, [...old, { name: 'creds', value: 'c' }]), true)
        const fresh = numbered(812, 'signed/', () => 'new')
        const removals = old.map(({ name }) => ({ name, value: undefined }))
        assert.equal(await store.write(scope, [...removals, ...fresh]), true)
        await assertHolds(await open(), scope, {
          creds: 'c',
          ...Object.fromEntries(fresh.map(({ name }) => [name, 'new'])),
        })
      },
    },
    {
      name: 'batches that fail and batches that land, sent at once, leave only what landed',
      async run({ open, scope }) {
        const [first, second] = [await open(), await open()]
        await put(first, scope, { '!fence': 'mine' })
        const sends = Array.from({ length: 20 }, (_, index) => {
          const guards = [{ name: '!fence', value: index % 2 === 0 ? 'mine' : 'other' }]
          const store = index % 4 < 2 ? first : second
          return store.write(scope, numbered(10, `batch-${index}/`, String), guards)
        })
        const landed = await Promise.all(sends)
        landed.forEach((result, index) => {
          assert.equal(result, index % 2 === 0)
        })
        const expected = landed.flatMap((result, index) =>
          result ? numbered(10, `batch-${index}/`, String).map(({ name, value }) => [name, value]) : [],
        )
        await assertHolds(await open(), scope, { '!fence': 'mine', ...Object.fromEntries(expected) })
      },
    },
  ],
}

/** Promise 2, through an auth state: one `set` is one batch. */
export const atomicAuthState: PromiseCases<AuthContext> = {
  number: 2,
  promise: atomicStore.promise,
  cases: [
    {
      name: 'one set of many types, removals among them, is one batch',
      async run({ open, openStore, scope }) {
        const store = recordingStore(await openStore())
        const { auth, keys } = await open({ store })
        await auth.saveCreds()
        await keys.set({ session: { a: Buffer.from('old') }, 'sender-key': { g: Buffer.from('g') } })
        const before = store.batches.length
        await keys.set({
          session: { a: Buffer.from('new'), b: Buffer.from('b') },
          'sender-key': { g: null },
          'lid-mapping': { 1: '2', '2_reverse': '1' },
          'sender-key-memory': { g: { 'x@s.whatsapp.net': true } },
        })
        const batches = store.batches.slice(before)
        assert.equal(batches.length, 1, 'one set came in several batches')
        assert.equal(
          batches[0]?.changes
            .map(change => change.name)
            .sort()
            .join(' '),
          'lid-mapping/1 lid-mapping/2_reverse sender-key-memory/g sender-key/g session/a session/b',
        )
        assertSame(await storedKey(store, scope, 'session', 'a'), Buffer.from('new'))
        assertSame(await storedKey(store, scope, 'sender-key', 'g'), undefined)
        assertSame(await storedKey(store, scope, 'lid-mapping', '1'), '2')
      },
    },
    {
      name: 'a set that the store refuses for good has changed nothing, and what comes later lands',
      async run({ failing, open, openStore, refuses, scope }) {
        const inner = failing(await openStore())
        const store: Store = { ...passThrough(inner), isPermanent: () => true }
        const { auth, keys } = await open({ store })
        await auth.saveCreds()
        await keys.set({ session: { a: Buffer.from('old') } })
        const before = Object.fromEntries(await listed(inner, scope))
        inner.fail('write')
        await refuses(
          keys.set({ session: { a: null, b: Buffer.from('b') }, 'pre-key': { 1: 'p' } }),
          'WRITE_FAILED',
        )
        inner.mend()
        assertSame(Object.fromEntries(await listed(inner, scope)), before)
        await keys.set({ session: { c: Buffer.from('c') } })
        assertSame(await storedKey(inner, scope, 'session', 'c'), Buffer.from('c'))
        assertSame(await storedKey(inner, scope, 'session', 'b'), undefined)
      },
    },
    {
      name: 'a set that failed lands when it is repeated verbatim',
      async run({ failing, open, openStore, refuses, scope }) {
        const inner = failing(await openStore())
        const store: Store = { ...passThrough(inner), isPermanent: () => true }
        const { auth, keys } = await open({ store })
        await auth.saveCreds()
        const data = { session: { a: Buffer.from('a') }, 'lid-mapping': { 1: '2', 3: null } }
        inner.fail('write', 'after')
        await refuses(keys.set(data), 'WRITE_FAILED')
        inner.mend()
        for (let time = 0; time < 2; time++) {
          await keys.set(data)
          assertSame(await storedKey(inner, scope, 'session', 'a'), data.session.a)
          assertSame(await storedKey(inner, scope, 'lid-mapping', '1'), '2')
        }
      },
    },
    {
      name: 'a set that is too large for one batch fails whole, and alone: others of the same turn land',
      needs: ['calls as they come'],
      async run({ open, openStore, refuses, scope }) {
        const inner = await openStore()
        const store: Store = { ...passThrough(inner), limits: { ...inner.limits, batchBytes: 20_000 } }
        const { auth, keys } = await open({ store })
        const small = keys.set({ session: { before: Buffer.from('b') } })
        const large = keys.set({ session: { small: Buffer.from('s'), large: Buffer.alloc(30_000) } })
        const saved = auth.saveCreds()
        const after = keys.set({ session: { after: Buffer.from('a') } })
        await refuses(large, 'BATCH_TOO_LARGE')
        await Promise.all([small, saved, after])
        for (const [id, value] of [
          ['before', Buffer.from('b')],
          ['after', Buffer.from('a')],
          ['small', undefined],
        ] as const) {
          assertSame(await storedKey(inner, scope, 'session', id), value)
        }
        assert.ok(
          (await storedCreds(inner, scope)) !== undefined,
          'the creds went with a set that was too large',
        )
      },
    },
    {
      name: 'clear removes every key and leaves the creds',
      async run({ open, openStore, scope }) {
        const { auth, keys } = await open()
        await auth.saveCreds()
        await keys.set({
          session: { a: 'a', b: 'b' },
          'pre-key': Object.fromEntries(manyIds(1200).map(id => [id, 'p'])),
        })
        await auth.state.keys.clear()
        const names = Array.from((await listed(await openStore(), scope)).keys())
        assert.equal(names.filter(name => !name.startsWith('!')).join(), 'creds')
        assertSame(await auth.state.keys.get('session', ['a']), { a: null })
      },
    },
  ],
}

function manyIds(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `id-${index}`)
}
