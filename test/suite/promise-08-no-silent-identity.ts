import assert from 'node:assert/strict'
import { decode, encode } from '../../src/buffer-json.ts'
import { isAuthStateError } from '../../src/errors.ts'
import { fenceName, recordName } from '../../src/names.ts'
import { parseFence } from '../../src/session/fence.ts'
import { type AuthContext, storedCreds, storedKey } from './auth-context.ts'
import type { PromiseCases, StoreContext } from './cases.ts'
import { rejectsWith } from './expect-error.ts'
import { recordingStore } from './recording-store.ts'
import { assertHolds, assertReads, changesOf, listed, listedScopes, put } from './records.ts'
import { assertSame } from './same.ts'

/** Promise 8, of the store itself: it says truly whether a session holds anything. */
export const noSilentIdentityStore: PromiseCases<StoreContext> = {
  number: 8,
  promise: 'never a silent new identity',
  cases: [
    {
      name: 'a scope that holds reserved records only is not among the scopes, but is there',
      async run({ open, scope }) {
        const store = await open()
        const guards = [{ name: '!fence', value: undefined }]
        assert.equal(await store.write(scope, changesOf({ '!fence': 'f', '!note/1': 'n' }), guards), true)
        assert.equal(
          (await listedScopes(store)).join(),
          '',
          'a scope of reserved records only counts as a session',
        )
        await assertHolds(await open(), scope, { '!fence': 'f', '!note/1': 'n' })
      },
    },
    {
      name: 'a scope joins the scopes with its first record that is not reserved, and leaves with its last',
      needs: ['scopes'],
      async run({ open, scope }) {
        const [store, other] = [await open(), await open()]
        await put(store, scope, { '!fence': 'f' })
        for (let round = 0; round < 3; round++) {
          await put(store, scope, { creds: 'c', 'session/a': 'a' })
          assert.equal((await listedScopes(other)).join(), scope)
          await put(store, scope, { creds: undefined })
          assert.equal((await listedScopes(other)).join(), scope)
          await put(store, scope, { 'session/a': undefined, 'session/b': undefined })
          assert.equal((await listedScopes(other)).join(), '')
          await assertHolds(other, scope, { '!fence': 'f' })
        }
      },
    },
    {
      name: 'internal scopes are kept like any other and are not among the scopes',
      needs: ['scopes'],
      async run({ open, scope }) {
        const store = await open()
        await put(store, '!owners', { '!heartbeat/a': '1', '!heartbeat/b': '1' })
        await put(store, scope, { creds: 'c' })
        assert.equal((await listedScopes(await open())).join(), scope)
        assert.equal((await listedScopes(store, '!')).join(), '')
        const swap = changesOf({ '!heartbeat/a': '2' })
        assert.equal(await store.write('!owners', swap, [{ name: '!heartbeat/a', value: '1' }]), true)
        assert.equal(await store.write('!owners', swap, [{ name: '!heartbeat/a', value: '1' }]), false)
        await assertHolds(await open(), '!owners', { '!heartbeat/a': '2', '!heartbeat/b': '1' })
      },
    },
    {
      name: 'a list asked for names gives every record, the creds among them',
      async run({ open, scope }) {
        const store = await open()
        await put(store, scope, { creds: 'c', 'pre-key/1': 'p', '!fence': 'f', 'credsless/x': 'x' })
        const names = Array.from((await listed(await open(), scope, {})).keys())
        assert.equal(names.sort().join(), '!fence,creds,credsless/x,pre-key/1')
        const creds = Array.from((await listed(store, scope, { prefix: 'creds', values: true })).entries())
        assert.equal(JSON.stringify(creds.sort()), '[["creds","c"],["credsless/x","x"]]')
      },
    },
  ],
}

/** Promise 8, through an auth state: a new identity only where there was nothing at all. */
export const noSilentIdentityAuthState: PromiseCases<AuthContext> = {
  number: 8,
  promise: noSilentIdentityStore.promise,
  cases: [
    {
      name: 'a session that holds nothing gets an identity, and has the same one ever after',
      async run({ open }) {
        const first = await open()
        await first.auth.saveCreds()
        const identity = JSON.stringify(first.auth.state.creds)
        await first.auth.close()
        for (let round = 0; round < 3; round++) {
          const { auth } = await open()
          assert.equal(JSON.stringify(auth.state.creds), identity)
          await auth.close()
        }
      },
    },
    {
      name: 'the first batch of keys carries the creds, though nobody saved them',
      async run({ open, openStore, scope }) {
        const store = recordingStore(await openStore())
        const { auth, keys } = await open({ store })
        await keys.set({ 'pre-key': { 1: 'one' } })
        const [first] = store.batches
        assert.equal(
          first?.changes
            .map(change => change.name)
            .sort()
            .join(' '),
          'creds pre-key/1',
        )
        assertSame(await storedCreds(store, scope), decode(encode(auth.state.creds)))
        const identity = JSON.stringify(auth.state.creds)
        await auth.close()
        const reopened = await open()
        assert.equal(JSON.stringify(reopened.auth.state.creds), identity)
      },
    },
    {
      name: 'records without creds are refused with CREDS_MISSING, and stay as they are',
      async run({ open, openStore, scope }) {
        const store = await openStore()
        const records = { [recordName('session', 'a')]: '"a"', [recordName('pre-key', '1')]: '"p"' }
        await put(store, scope, records)
        for (let round = 0; round < 2; round++) {
          const error = await rejectsWith(open(), 'CREDS_MISSING')
          assert.equal(error.output.statusCode, 422)
        }
        const left = Array.from(await listed(store, scope)).filter(([name]) => !name.startsWith('!'))
        assertSame(Object.fromEntries(left), records)
      },
    },
    {
      name: 'creds that can not be read are refused with RECORD_CORRUPT, and stay as they are',
      async run({ open, openStore, scope }) {
        const store = await openStore()
        for (const text of [
          '',
          '{',
          '{"noiseKey":',
          'null',
          '[]',
          '{}',
          '"text"',
          '0',
          '\u0001',
          '{"me":{"id":"1"}}',
        ]) {
          await put(store, scope, { creds: text })
          await rejectsWith(open(), 'RECORD_CORRUPT')
          await assertReads(store, scope, { creds: text })
        }
      },
    },
    {
      name: 'an outage while a session is opened is READ_FAILED, and no identity is made',
      async run({ failing, open, openStore, scope }) {
        const first = await open()
        await first.keys.set({ session: { a: 'a' } })
        const identity = JSON.stringify(first.auth.state.creds)
        await first.auth.close()
        const store = failing(await openStore())
        for (const method of ['read', 'list'] as const) {
          store.fail(method)
          if (method === 'read') await rejectsWith(open({ store, retry: { forMs: 1_000 } }), 'READ_FAILED')
          store.mend()
        }
        const { auth } = await open()
        assert.equal(JSON.stringify(auth.state.creds), identity)
        assertSame(await storedKey(await openStore(), scope, 'session', 'a'), 'a')
      },
    },
    {
      name: 'a backend that is away while a session is opened makes no identity',
      needs: ['outage'],
      async run({ open, outage }) {
        const first = await open()
        await first.keys.set({ session: { a: 'a' } })
        const identity = JSON.stringify(first.auth.state.creds)
        await first.auth.close()
        const end = await outage()
        const error: unknown = await open({ retry: { forMs: 250 } }).catch(reason => reason)
        assert.ok(isAuthStateError(error), 'a session was opened in an outage')
        assert.ok(error.code === 'READ_FAILED' || error.code === 'WRITE_FAILED', error.code)
        await end()
        const { auth } = await open()
        assert.equal(JSON.stringify(auth.state.creds), identity)
      },
    },
    {
      name: 'a session whose records can not be listed gets no identity',
      async run({ failing, open, openStore, scope }) {
        const store = failing(await openStore())
        await put(store, scope, { [recordName('session', 'a')]: '"a"' })
        store.fail('list')
        await rejectsWith(open({ store, retry: { forMs: 1_000 } }), 'READ_FAILED')
        store.mend()
        await assertReads(store, scope, { creds: undefined })
      },
    },
    {
      name: 'creds of an unpaired device never replace those of a paired one',
      async run({ open, openStore, scope }) {
        const { auth } = await open()
        auth.state.creds.account = { details: Buffer.from('details') }
        auth.state.creds.me = { id: '491700000000:1@s.whatsapp.net' }
        await auth.saveCreds()
        const store = await openStore()
        const [paired] = await store.read(scope, ['creds'])
        delete auth.state.creds.account
        await rejectsWith(auth.saveCreds(), 'CREDS_UNPAIRED')
        await assertReads(store, scope, { creds: paired })
        auth.state.creds.account = { details: Buffer.from('details') }
        auth.state.creds.nextPreKeyId = 5
        await auth.saveCreds()
        await auth.close()
        const reopened = await open()
        delete reopened.auth.state.creds.account
        reopened.auth.state.creds.registered = true
        await rejectsWith(reopened.auth.saveCreds(), 'CREDS_UNPAIRED')
      },
    },
    {
      name: 'a session that was refused is not held by who was refused',
      async run({ open, openStore, scope }) {
        const store = await openStore()
        await put(store, scope, { [recordName('session', 'a')]: '"a"' })
        await rejectsWith(open(), 'CREDS_MISSING')
        const [text] = await store.read(scope, [fenceName])
        const fence = text === undefined ? undefined : parseFence(text)
        assert.ok(fence === undefined || (typeof fence === 'object' && fence.released === true))
      },
    },
  ],
}
