import assert from 'node:assert/strict'
import type { PromiseCases, StoreContext } from './cases.ts'
import { assertHolds, assertReads, listed, numbered, put } from './records.ts'

/** Promise 1, of the store itself: what resolved is there for everyone, whatever becomes of the writer. */
export const durableStore: PromiseCases<StoreContext> = {
  number: 1,
  promise: 'durable before resolved',
  cases: [
    {
      name: 'a write that resolved is read by a second store on the same data',
      async run({ open, scope }) {
        const [writer, reader] = [await open(), await open()]
        for (let round = 0; round < 10; round++) {
          await put(writer, scope, { creds: `{"round":${round}}`, 'session/1': `s${round}` })
          await assertReads(reader, scope, { creds: `{"round":${round}}`, 'session/1': `s${round}` })
        }
      },
    },
    {
      name: 'a removal that resolved is gone for a second store on the same data',
      async run({ open, scope }) {
        const [writer, reader] = [await open(), await open()]
        await put(writer, scope, { creds: 'c', 'pre-key/1': 'p' })
        await assertReads(reader, scope, { 'pre-key/1': 'p' })
        await put(writer, scope, { 'pre-key/1': undefined })
        await assertHolds(reader, scope, { creds: 'c' })
      },
    },
    {
      name: 'what was written is there after every store was closed and another one opened',
      async run({ close, open, scope }) {
        const first = await open()
        await put(first, scope, { '!fence': 'f', creds: 'c', 'session/a': 'old' })
        await put(first, scope, { 'session/a': 'new', 'session/b': 'b' })
        await close(first)
        await assertHolds(await open(), scope, {
          '!fence': 'f',
          creds: 'c',
          'session/a': 'new',
          'session/b': 'b',
        })
      },
    },
    {
      name: 'every record of a batch of 812 has landed, first to last',
      async run({ open, scope }) {
        const writer = await open()
        const batch = numbered(812, 'pre-key/', index => `value of ${index}`)
        assert.equal(await writer.write(scope, batch), true)
        const reader = await open()
        const values = await reader.read(
          scope,
          batch.map(change => change.name),
        )
        batch.forEach(({ name, value }, at) => {
          assert.equal(values[at], value, name)
        })
        assert.equal((await listed(reader, scope)).size, 812)
      },
    },
    {
      name: 'a batch of one record lands',
      async run({ open, scope }) {
        await put(await open(), scope, { 'lid-mapping/1': '"2"' })
        await assertHolds(await open(), scope, { 'lid-mapping/1': '"2"' })
      },
    },
  ],
}
