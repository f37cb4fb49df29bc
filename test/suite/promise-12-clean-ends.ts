import assert from 'node:assert/strict'
import type { PromiseCases, StoreContext } from './cases.ts'
import { assertHolds, assertReads, numbered, put } from './records.ts'

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
