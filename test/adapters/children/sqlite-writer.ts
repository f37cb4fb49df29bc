import assert from 'node:assert/strict'
import { useSqliteAuthState } from '../../../src/entries/sqlite.ts'

/** One bot of several on one database: opens its session, lands as many batches as it is told, one after the other, and closes. */
const [path = '', session = '', count = ''] = process.argv.slice(2)
const auth = await useSqliteAuthState(path, { session, lease: { waitMs: 0 } })
await auth.saveCreds()
for (let batch = 0; batch < Number(count); batch++) {
  await auth.state.keys.set({
    'sender-key': { [batch]: Buffer.from(`${session} ${batch}`), newest: Buffer.from(String(batch)) },
  })
}
const { newest } = await auth.state.keys.get('sender-key', ['newest'])
assert.deepEqual(newest, Buffer.from(String(Number(count) - 1)))
await auth.close()
