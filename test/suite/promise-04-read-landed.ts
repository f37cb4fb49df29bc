import assert from 'node:assert/strict'
import type { PromiseCases, StoreContext } from './cases.ts'
import { assertReads, changesOf, put } from './records.ts'

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
