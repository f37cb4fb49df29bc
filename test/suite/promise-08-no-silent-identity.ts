import assert from 'node:assert/strict'
import type { PromiseCases, StoreContext } from './cases.ts'
import { assertHolds, changesOf, listed, listedScopes, put } from './records.ts'

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
