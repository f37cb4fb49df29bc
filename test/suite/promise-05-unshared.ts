import assert from 'node:assert/strict'
import { type AuthContext, storedCreds } from './auth-context.ts'
import type { PromiseCases, StoreContext } from './cases.ts'
import { assertReads, changesOf, put } from './records.ts'
import { assertSame } from './same.ts'

/** Promise 5, of the store itself: what it hands out is the caller's. */
export const unsharedStore: PromiseCases<StoreContext> = {
  number: 5,
  promise: 'no sharing',
  cases: [
    {
      name: 'what the caller does to the array of a read changes nothing',
      async run({ open, scope }) {
        const store = await open()
        await put(store, scope, { 'session/a': 'a', 'session/b': 'b' })
        const values = await store.read(scope, ['session/a', 'session/b'])
        values.fill('changed')
        await assertReads(store, scope, { 'session/a': 'a', 'session/b': 'b' })
      },
    },
    {
      name: 'what the caller does to a batch after it landed changes nothing',
      async run({ open, scope }) {
        const store = await open()
        const batch = changesOf({ 'session/a': 'a', 'session/b': 'b' })
        const names = ['session/a', 'session/b', 'session/c']
        assert.equal(await store.write(scope, batch), true)
        batch.length = 0
        batch.push({ name: 'session/c', value: 'c' })
        const read = store.read(scope, names)
        const values = await read
        names.length = 0
        assert.equal(values.length, 3)
        await assertReads(store, scope, { 'session/a': 'a', 'session/b': 'b', 'session/c': undefined })
      },
    },
  ],
}

/** Promise 5, through an auth state: a value is the caller's before `set` and after `get`. */
export const unsharedAuthState: PromiseCases<AuthContext> = {
  number: 5,
  promise: unsharedStore.promise,
  cases: [
    {
      name: 'what the caller does to a value after set was called changes nothing',
      async run({ open }) {
        const { keys } = await open()
        const value = { list: [1], bytes: Buffer.from('before'), nested: { text: 'before' } }
        const data: { session: { [id: string]: unknown } } = { session: { a: value } }
        const set = keys.set(data)
        value.list.push(2)
        value.bytes.fill(0)
        value.nested.text = 'after'
        data.session.b = 'added'
        await set
        value.nested.text = 'later'
        const expected = { list: [1], bytes: Buffer.from('before'), nested: { text: 'before' } }
        assertSame(await keys.get('session', ['a', 'b']), { a: expected, b: null })
      },
    },
    {
      name: 'what the caller does to a value that it got changes nothing',
      async run({ open }) {
        const { keys } = await open()
        await keys.set({ session: { a: { bytes: Buffer.from('stored'), list: [1, 2] } } })
        const expected = { bytes: Buffer.from('stored'), list: [1, 2] }
        for (let round = 0; round < 3; round++) {
          const got = (await keys.get('session', ['a'])).a
          assertSame(got, expected)
          assert.ok(typeof got === 'object' && got !== null)
          assert.ok(
            'bytes' in got && got.bytes instanceof Uint8Array && 'list' in got && Array.isArray(got.list),
          )
          got.bytes.fill(round)
          got.list.push('changed')
          Object.assign(got, { more: true })
        }
      },
    },
    {
      name: 'two reads at once get values of their own',
      async run({ open }) {
        const { auth, keys } = await open()
        await keys.set({ session: { a: { text: 'stored' } } })
        const cached = await Promise.all([keys.get('session', ['a']), keys.get('session', ['a', 'a'])])
        await auth.close()
        const reopened = await open()
        const read = await Promise.all([
          reopened.keys.get('session', ['a']),
          reopened.keys.get('session', ['a']),
        ])
        for (const [left, right] of [cached, read]) {
          assertSame(left, right)
          assert.notEqual(left, right)
          assert.notEqual(left.a, right.a, 'two callers got the same object')
        }
      },
    },
    {
      name: 'saveCreds saves the creds as they are at the call',
      async run({ open, openStore, scope }) {
        const { auth } = await open()
        auth.state.creds.nextPreKeyId = 10
        auth.state.creds.routingInfo = Buffer.from('at the call')
        const saved = auth.saveCreds()
        auth.state.creds.nextPreKeyId = 11
        auth.state.creds.routingInfo.fill(0)
        await saved
        const creds = await storedCreds(await openStore(), scope)
        assert.ok(
          typeof creds === 'object' && creds !== null && 'nextPreKeyId' in creds && 'routingInfo' in creds,
        )
        assert.equal(creds.nextPreKeyId, 10)
        assertSame(creds.routingInfo, Buffer.from('at the call'))
      },
    },
  ],
}
