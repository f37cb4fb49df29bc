import assert from 'node:assert/strict'
import { recordName } from '../../src/names.ts'
import type { AuthContext } from './auth-context.ts'
import type { PromiseCases, StoreContext } from './cases.ts'
import { rejectsWith } from './expect-error.ts'
import { hostileNames } from './hostile.ts'
import { passThrough } from './pass-through.ts'
import { randomOf } from './random.ts'
import { assertHolds, assertReads, changesOf, listed, listedScopes, numbered, put } from './records.ts'
import { assertSame } from './same.ts'

/** Promise 6, of the store itself: absent, empty and failed are three things. */
export const absentStore: PromiseCases<StoreContext> = {
  number: 6,
  promise: 'absent is not failed',
  cases: [
    {
      name: 'values come in the order of the names, undefined in the place of what is absent',
      async run({ open, scope }) {
        const store = await open()
        assert.equal(
          await store.write(
            scope,
            numbered(60, 'session/', index => `value ${index}`),
          ),
          true,
        )
        const random = randomOf()
        for (let round = 0; round < 20; round++) {
          const asked = Array.from({ length: 80 }, (_, index) => index).sort(() => random.integer(3) - 1)
          const values = await store.read(
            scope,
            asked.map(index => `session/${index}`),
          )
          assert.equal(values.length, asked.length)
          asked.forEach((index, at) => {
            const expected = index < 60 ? `value ${index}` : undefined
            assert.equal(values[at], expected, `place ${at} of a read (seed ${random.seed})`)
          })
        }
      },
    },
    {
      name: 'a record with an empty text is there',
      async run({ open, scope }) {
        const store = await open()
        await put(store, scope, { 'session/empty': '', 'session/full': 'x' })
        const [empty, full, absent] = await store.read(scope, [
          'session/empty',
          'session/full',
          'session/none',
        ])
        assert.equal(empty, '', 'an empty text came back as something else')
        assert.equal(full, 'x')
        assert.equal(absent, undefined, 'an absent record came back as something else')
        await assertHolds(await open(), scope, { 'session/empty': '', 'session/full': 'x' })
        await put(store, scope, { 'session/full': '' })
        await assertReads(store, scope, { 'session/full': '' })
      },
    },
    {
      name: 'a scope that was never written reads as absent and lists nothing',
      async run({ open, scope }) {
        const store = await open()
        await assertReads(store, scope, { creds: undefined, '!fence': undefined })
        assert.equal((await listed(store, scope)).size, 0)
        assert.equal((await listedScopes(store)).length, 0)
      },
    },
    {
      name: 'removing a record that is absent is no error and makes nothing',
      async run({ open, scope }) {
        const store = await open()
        await put(store, scope, { 'session/none': undefined })
        await assertHolds(store, scope, {})
        assert.equal((await listedScopes(store)).length, 0)
        await put(store, scope, { 'session/a': 'a' })
        await put(store, scope, { 'session/none': undefined, 'session/none-either': undefined })
        await assertHolds(await open(), scope, { 'session/a': 'a' })
      },
    },
    {
      name: 'a guard tells an empty text from absence',
      async run({ open, scope }) {
        const store = await open()
        const batch = changesOf({ '!empty': '', 'session/a': 'a' })
        assert.equal(await store.write(scope, batch, [{ name: '!empty', value: '' }]), false)
        assert.equal(await store.write(scope, batch, [{ name: '!empty', value: undefined }]), true)
        const next = changesOf({ 'session/a': 'b' })
        assert.equal(
          await store.write(scope, [...next, ...batch.slice(0, 1)], [{ name: '!empty', value: undefined }]),
          false,
        )
        assert.equal(await store.write(scope, next, [{ name: '!empty', value: '' }]), true)
        await assertHolds(store, scope, { '!empty': '', 'session/a': 'b' })
      },
    },
    {
      name: 'a read in an outage rejects or waits, and never says that a record is absent',
      needs: ['outage'],
      async run({ open, outage, scope }) {
        const store = await open()
        await put(store, scope, { '!fence': 'f', creds: 'c', 'session/a': 'a' })
        const end = await outage()
        const read = store.read(scope, ['!fence', 'creds', 'session/a', 'session/none'])
        const list = listed(store, scope)
        const outcomes = Promise.allSettled([read, list])
        await Promise.race([outcomes, longest(1000)])
        await end()
        const [readOutcome, listOutcome] = await outcomes
        if (readOutcome.status === 'fulfilled') {
          assert.equal(
            JSON.stringify(readOutcome.value.slice(0, 3)),
            '["f","c","a"]',
            'a failed read gave absence',
          )
        }
        if (listOutcome.status === 'fulfilled') {
          assert.equal(listOutcome.value.size, 3, 'a failed list gave fewer records')
        }
        await assertReads(await open(), scope, { '!fence': 'f', creds: 'c', 'session/a': 'a' })
      },
    },
    {
      name: 'a write in an outage rejects or waits, and never says that a guard failed',
      needs: ['outage'],
      async run({ open, outage, scope }) {
        const store = await open()
        await put(store, scope, { '!fence': 'f', creds: 'old' })
        const end = await outage()
        const write = store.write(scope, changesOf({ creds: 'new' }), [{ name: '!fence', value: 'f' }])
        const outcome = Promise.allSettled([write])
        await Promise.race([outcome, longest(1000)])
        await end()
        const [settled] = await outcome
        const [creds] = await (await open()).read(scope, ['creds'])
        if (settled.status === 'fulfilled') {
          assert.equal(settled.value, true, 'an outage was taken for a guard that failed')
          assert.equal(creds, 'new')
        } else {
          assert.ok(creds === 'old' || creds === 'new')
        }
      },
    },
  ],
}

/** How long a client may keep a call waiting for the server's return before the case goes on. */
function longest(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms).unref())
}

/** Promise 6, through an auth state: `null` is absent, and nothing else is. */
export const absentAuthState: PromiseCases<AuthContext> = {
  number: 6,
  promise: absentStore.promise,
  cases: [
    {
      name: 'an absent record comes back as null under its id, each time',
      async run({ open }) {
        const { keys } = await open()
        await keys.set({ session: { here: 'here' } })
        for (let round = 0; round < 2; round++) {
          assertSame(await keys.get('session', ['none', 'here', 'neither']), {
            none: null,
            here: 'here',
            neither: null,
          })
        }
        assertSame(await keys.get('sender-key', ['here']), { here: null })
        assertSame(await keys.get('session', []), {})
      },
    },
    {
      name: 'an id that is asked for twice is in the answer once, with its value',
      async run({ open }) {
        const { keys } = await open()
        await keys.set({ session: { a: 'a', b: 'b' } })
        assertSame(await keys.get('session', ['a', 'none', 'b', 'a', 'none', 'a']), {
          a: 'a',
          none: null,
          b: 'b',
        })
      },
    },
    {
      name: 'null and every other falsy value remove a record',
      async run({ open }) {
        const { keys } = await open()
        for (const nothing of [null, undefined, 0, '', false]) {
          await keys.set({ session: { a: 'a' } })
          await keys.set({ session: { a: nothing } })
          assertSame(await keys.get('session', ['a']), { a: null })
        }
      },
    },
    {
      name: 'a read that fails rejects with READ_FAILED, and works again afterwards',
      async run({ failing, open, openStore }) {
        const first = await open()
        await first.keys.set({ session: { a: 'a' } })
        await first.auth.close()
        const inner = failing(await openStore())
        const { keys } = await open({ store: { ...passThrough(inner), isPermanent: () => true } })
        inner.fail('read')
        const error = await rejectsWith(keys.get('session', ['a', 'b']), 'READ_FAILED')
        assert.equal(error.output.statusCode, 503)
        inner.mend()
        assertSame(await keys.get('session', ['a', 'b']), { a: 'a', b: null })
      },
    },
    {
      name: 'a read that fails and then succeeds within retry.forMs resolves with the value',
      async run({ failing, open, openStore }) {
        const first = await open()
        await first.keys.set({ session: { a: 'a' } })
        await first.auth.close()
        const store = failing(await openStore())
        const { keys } = await open({ store })
        store.fail('read', 'before', 2)
        assertSame(await keys.get('session', ['a', 'b']), { a: 'a', b: null })
        assert.equal(store.failed, 2)
      },
    },
    {
      name: 'a record that can not be decoded rejects with RECORD_CORRUPT, and names no id where a logger prints it',
      async run({ open, openStore, scope }) {
        const first = await open()
        await first.keys.set({ session: { '49170.0': 'a', '49171.0': 'b' } })
        await first.auth.close()
        await put(await openStore(), scope, { [recordName('session', '49170.0')]: '{"cut":"of' })
        const { keys } = await open()
        for (let round = 0; round < 2; round++) {
          const error = await rejectsWith(keys.get('session', ['49171.0', '49170.0']), 'RECORD_CORRUPT')
          assert.equal(error.output.statusCode, 422)
          const printed = `${error.message} ${JSON.stringify(error)} ${JSON.stringify({ ...error })}`
          assert.ok(!printed.includes('49170'), 'an error prints an id')
          assert.ok(!printed.includes('cut'), 'an error prints a value')
        }
        assertSame(await keys.get('session', ['49171.0']), { '49171.0': 'b' })
        await keys.set({ session: { '49170.0': null } })
        assertSame(await keys.get('session', ['49170.0']), { '49170.0': null })
      },
    },
    {
      name: 'list gives every key of its type with its value, listIds every id, and no other',
      async run({ open }) {
        const { auth, keys } = await open()
        const ids = hostileNames.map(name => `${name}`)
        await keys.set({
          'sender-key': Object.fromEntries(ids.map(id => [id, { id }])),
          'sender-key-memory': { other: { other: true } },
          session: { another: 'x' },
        })
        const values = new Map<string, unknown>()
        for await (const [id, value] of auth.state.keys.list('sender-key')) values.set(id, value)
        assert.equal(values.size, ids.length)
        for (const id of ids) assertSame(values.get(id), { id })
        const found = new Set<string>()
        for await (const id of auth.state.keys.listIds('sender-key')) found.add(id)
        assert.equal(Array.from(found).sort().join('\n'), ids.toSorted().join('\n'))
        for await (const id of auth.state.keys.listIds('tctoken'))
          assert.fail(`a type without keys lists ${id}`)
      },
    },
  ],
}
