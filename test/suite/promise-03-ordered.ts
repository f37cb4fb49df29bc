import type { PromiseCases, StoreContext } from './cases.ts'
import { assertHolds, assertReads, put } from './records.ts'

/** Promise 3, of the store itself: a write that was awaited lies under the next one. */
export const orderedStore: PromiseCases<StoreContext> = {
  number: 3,
  promise: 'ordered',
  cases: [
    {
      name: 'of writes that were awaited one by one, the last one stands',
      async run({ open, scope }) {
        const store = await open()
        for (let length = 1; length <= 8; length++) {
          for (let at = 0; at < length; at++) {
            await put(store, scope, {
              creds: `${at} of ${length}`,
              [`session/${at % 3}`]: `${at} of ${length}`,
            })
          }
          await assertReads(store, scope, { creds: `${length - 1} of ${length}` })
        }
        const expected = {
          creds: '7 of 8',
          'session/0': '6 of 8',
          'session/1': '7 of 8',
          'session/2': '5 of 8',
        }
        await assertHolds(store, scope, expected)
        await assertHolds(await open(), scope, expected)
      },
    },
    {
      name: 'of two stores that write in turn, the later write stands each time',
      async run({ open, scope }) {
        const stores = [await open(), await open()] as const
        for (let round = 0; round < 20; round++) {
          await put(stores[round % 2 === 0 ? 0 : 1], scope, { creds: `round ${round}` })
          await assertReads(stores[0], scope, { creds: `round ${round}` })
          await assertReads(stores[1], scope, { creds: `round ${round}` })
        }
      },
    },
    {
      name: 'a record that is made, removed and made again in turn ends as the last write left it',
      async run({ open, scope }) {
        const store = await open()
        for (let round = 0; round < 10; round++) {
          await put(store, scope, { 'session/a': `round ${round}`, 'session/b': undefined })
          await put(store, scope, { 'session/a': undefined, 'session/b': `round ${round}` })
        }
        await assertHolds(await open(), scope, { 'session/b': 'round 9' })
      },
    },
  ],
}
