import assert from 'node:assert/strict'
import { BufferJSON } from '../../src/buffer-json.ts'
import { type AuthContext, isPending, storedCreds, storedKey } from './auth-context.ts'
import type { PromiseCases, StoreContext } from './cases.ts'
import { randomOf } from './random.ts'
import { assertHolds, assertReads, listed, numbered, put } from './records.ts'
import { assertSame } from './same.ts'
import { keyPair } from './sample-keys.ts'

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

/** Promise 1, through an auth state: what is acknowledged is in the store. */
export const durableAuthState: PromiseCases<AuthContext> = {
  number: 1,
  promise: durableStore.promise,
  cases: [
    {
      name: 'a key whose set resolved is in the store, and one that was removed is not',
      async run({ open, openStore, scope }) {
        const { keys } = await open()
        const reader = await openStore()
        for (let round = 0; round < 5; round++) {
          await keys.set({ session: { 'a.0': Buffer.from([round]) }, 'sender-key': { g: Buffer.from('g') } })
          assertSame(await storedKey(reader, scope, 'session', 'a.0'), Buffer.from([round]))
          assertSame(await storedKey(reader, scope, 'sender-key', 'g'), Buffer.from('g'))
          await keys.set({ 'sender-key': { g: null } })
          assertSame(await storedKey(reader, scope, 'sender-key', 'g'), undefined)
        }
      },
    },
    {
      name: 'creds whose saveCreds resolved are in the store',
      async run({ open, openStore, scope }) {
        const { auth } = await open()
        const reader = await openStore()
        for (let round = 1; round <= 5; round++) {
          auth.state.creds.nextPreKeyId = round
          auth.state.creds.routingInfo = Buffer.from([round])
          await auth.saveCreds()
          assertSame(await storedCreds(reader, scope), JSON.parse(JSON.stringify(auth.state.creds), bytes))
        }
      },
    },
    {
      name: 'what was acknowledged is there after a restart',
      async run({ open }) {
        const first = await open()
        const random = randomOf()
        const preKeys = Object.fromEntries(
          Array.from({ length: 812 }, (_, id) => [String(id + 1), keyPair(random)]),
        )
        first.auth.state.creds.nextPreKeyId = 813
        await Promise.all([first.keys.set({ 'pre-key': preKeys }), first.auth.saveCreds()])
        const identity = JSON.stringify(first.auth.state.creds)
        await first.auth.close()
        const second = await open()
        assert.equal(JSON.stringify(second.auth.state.creds), identity)
        assertSame(await second.keys.get('pre-key', Object.keys(preKeys)), preKeys)
      },
    },
    {
      name: 'set and saveCreds stay pending until the store has landed the change',
      async run({ delaying, open, openStore }) {
        const store = delaying(await openStore())
        const { auth, keys } = await open({ store })
        await auth.saveCreds()
        store.hold('write')
        const set = keys.set({ session: { a: Buffer.from('a') } })
        await store.waiting('write')
        assert.equal(await isPending(set), true, 'set resolved before its change was in the store')
        await store.releaseOne('write')
        await set
        auth.state.creds.nextPreKeyId = 99
        const saved = auth.saveCreds()
        await store.waiting('write')
        assert.equal(await isPending(saved), true, 'saveCreds resolved before the creds were in the store')
        store.release('write')
        await saved
      },
    },
    {
      name: 'a write that failed once, or whose answer was lost, is repeated and resolves once it is in the store',
      async run({ failing, open, openStore, scope }) {
        const store = failing(await openStore())
        const { keys } = await open({ store })
        for (const failure of ['before', 'after'] as const) {
          store.fail('write', failure, 1)
          await keys.set({ session: { [failure]: Buffer.from(failure) } })
          assertSame(await storedKey(await openStore(), scope, 'session', failure), Buffer.from(failure))
        }
        assert.equal(store.failed, 2)
      },
    },
  ],
}

function bytes(_: string, value: unknown): unknown {
  return BufferJSON.reviver('', value)
}
