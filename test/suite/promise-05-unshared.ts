import assert from 'node:assert/strict'
import type { PromiseCases, StoreContext } from './cases.ts'
import { assertReads, changesOf, put } from './records.ts'

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
