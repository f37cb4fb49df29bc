import assert from 'node:assert/strict'
import type { Store } from '../../src/store.ts'
import type { AuthContext, SuiteKeys } from './auth-context.ts'
import type { PromiseCases, StoreContext } from './cases.ts'
import { countingStore } from './counting-store.ts'
import { passThrough } from './pass-through.ts'
import { listed, listedScopes, numbered, put } from './records.ts'
import { assertSame } from './same.ts'

/** More than any backend's page, less than what would make the suite slow. */
const many = 3000

/** Promise 10, of the store itself: its limits are true, and its lists come whole, in pages. */
export const boundedStore: PromiseCases<StoreContext> = {
  number: 10,
  promise: 'bounded cost',
  cases: [
    {
      name: 'a read of as many names as limits.readNames allows (or 10,000) is answered',
      async run({ open, scope }) {
        const store = await open()
        const count = Math.min(store.limits.readNames, 10_000)
        assert.ok(Number.isInteger(count) && count >= 1, 'limits.readNames is no positive integer')
        await put(store, scope, { 'session/0': 'first', [`session/${count - 1}`]: 'last' })
        const values = await store.read(
          scope,
          numbered(count, 'session/', String).map(change => change.name),
        )
        assert.equal(values.length, count)
        assert.equal(values[count - 1], 'last')
        if (count > 1) assert.equal(values[0], 'first')
        assert.equal(values.filter(value => value !== undefined).length, Math.min(count, 2))
      },
    },
    {
      name: 'a batch of as many bytes as limits.batchBytes allows (or 4 MiB) lands',
      async run({ open, scope }) {
        const store = await open()
        const bytes = Math.min(store.limits.batchBytes, 4 * 1024 * 1024)
        assert.ok(bytes >= 1024 * 1024, 'a store that takes less than 1 MiB in a batch can serve no session')
        const names = numbered(16, 'session/', String).map(change => change.name)
        const each = Math.floor(bytes / names.length) - 16
        const batch = names.map((name, at) => ({ name, value: String.fromCharCode(97 + at).repeat(each) }))
        assert.equal(await store.write(scope, batch), true)
        const values = await (await open()).read(scope, names)
        batch.forEach(({ value }, at) => {
          assert.ok(values[at] === value, `value ${at} of a large batch came back changed`)
        })
      },
    },
    {
      name: `a list of ${many} records gives each of them, with its value when asked`,
      async run({ open, scope }) {
        const store = await open()
        const batch = numbered(many, 'pre-key/', index => `value ${index}`)
        for (let from = 0; from < many; from += 600) {
          assert.equal(await store.write(scope, batch.slice(from, from + 600)), true)
        }
        await put(store, scope, { creds: 'c', 'session/1': 's' })
        const found = await listed(store, scope)
        assert.equal(found.size, many + 2)
        for (const { name, value } of batch) assert.equal(found.get(name), value, `${name} in a list`)
        const inOnePage = await listed(store, scope, { values: true, pageBytes: 32 * 1024 * 1024 })
        assert.deepEqual([...inOnePage].sort(), [...found].sort())
        // Pages that one record fills, that three fill exactly, and others.
        for (const pageBytes of [1, 27, 1_000]) {
          const few = await listed(store, scope, { prefix: 'pre-key/29', values: true, pageBytes })
          assert.equal(few.size, 111, `in pages of ${pageBytes} bytes`)
          for (const [name, value] of few) assert.equal(value, found.get(name))
        }
        // Whole, or refused, or in pages; never a part that looks whole.
        for (const pageBytes of [1_000, 20_000, 1024 * 1024, 32 * 1024 * 1024]) {
          const options = { values: true, pageBytes, wholeOnly: true }
          const whole = await listed(store, scope, options).catch(() => undefined)
          if (whole || pageBytes > 1024 * 1024) assert.equal(whole?.size, found.size, `${pageBytes} bytes`)
        }
        const preKeys = await listed(store, scope, { prefix: 'pre-key/' })
        assert.equal(preKeys.size, many)
        const names = await listed(store, scope, { prefix: 'pre-key/29', values: false })
        assert.equal(names.size, 111)
        for (const value of names.values()) assert.equal(value, undefined, 'a list of names carries values')
      },
    },
    {
      name: 'a list beside writes gives every record that is there from beginning to end',
      async run({ open, scope }) {
        const [store, writer] = [await open(), await open()]
        const stays = numbered(1500, 'session/b-stays-', () => 'here')
        assert.equal(await writer.write(scope, stays), true)
        let listing = true
        const writes = (async () => {
          for (let round = 0; listing; round++) {
            const moves = numbered(60, 'session/a-moves-', () => (round % 2 === 0 ? 'here' : undefined))
            await writer.write(scope, [...moves, { name: `session/b-stays-${round % 1500}`, value: 'here' }])
            await new Promise(setImmediate)
          }
        })()
        try {
          const found = new Set<string>()
          for await (const page of store.list(scope, { prefix: 'session/' })) {
            for (const { name } of page) if (name.startsWith('session/b-stays-')) found.add(name)
            await new Promise(setImmediate)
          }
          assert.equal(found.size, 1500)
        } finally {
          listing = false
          await writes
        }
      },
    },
    {
      name: 'six hundred scopes are listed, each once or more',
      needs: ['scopes'],
      async run({ open, scope }) {
        const store = await open()
        const scopes = Array.from({ length: 600 }, (_, index) => `${scope}-${index}`)
        for (let from = 0; from < scopes.length; from += 50) {
          await Promise.all(scopes.slice(from, from + 50).map(one => put(store, one, { creds: one })))
        }
        assert.equal(new Set(await listedScopes(store)).size, 600)
        assert.equal(new Set(await listedScopes(store, `${scope}-59`)).size, 11)
      },
    },
    {
      name: 'many calls at once are all answered',
      async run({ open, scope }) {
        const store = await open()
        await put(store, scope, { creds: 'c' })
        const calls = await Promise.all(
          Array.from({ length: 150 }, async (_, index) => {
            if (index % 5 !== 0) return (await store.read(scope, ['creds', `session/${index}`]))[0] === 'c'
            return store.write(scope, [{ name: `session/${index}`, value: 's' }])
          }),
        )
        assert.equal(calls.every(Boolean), true)
        assert.equal((await listed(store, scope, { prefix: 'session/' })).size, 30)
      },
    },
  ],
}

/** Promise 10, through an auth state: round trips are counted. */
export const boundedAuthState: PromiseCases<AuthContext> = {
  number: 10,
  promise: boundedStore.promise,
  cases: [
    {
      name: 'all reads of one tick are one round trip',
      async run({ open, openStore }) {
        const first = await open()
        await first.keys.set({ session: { a: 'a', b: 'b' }, 'pre-key': { 1: 'one' } })
        await first.auth.close()
        const store = countingStore(await openStore())
        const { keys } = await open({ store })
        const counts = await store.during(async () => {
          const got = await Promise.all([
            keys.get('session', ['a', 'none']),
            keys.get('pre-key', ['1', '2']),
            keys.get('session', ['b', 'a', 'a']),
            keys.get('sender-key', ['none']),
          ])
          assertSame(got[2], { b: 'b', a: 'a' })
        })
        assert.equal(counts.reads, 1, `reads of one tick took ${counts.reads} round trips`)
        assert.equal(counts.names, 6, 'a record was asked for twice')
      },
    },
    {
      name: 'a session that is opened again is read whole by one list: then no read is a round trip',
      async run({ open, openStore }) {
        const ids = numbered(300, '', String).map(change => change.name)
        const first = await open()
        await first.keys.set({ session: Object.fromEntries(ids.map(id => [id, `value ${id}`])) })
        await first.auth.close()
        const store = countingStore(await openStore())
        let keys: SuiteKeys | undefined
        const opening = await store.during(async () => {
          const opened = await open({ store, cache: { preload: true } })
          keys = opened.keys
        })
        // The fence, the take-over of it, and the records; a heartbeat is in the core's own scope.
        assert.deepEqual([opening.reads, opening.writes, opening.lists], [1, 1, 1])
        const counts = await store.during(async () => {
          const expected = Object.fromEntries([...ids.map(id => [id, `value ${id}`]), ['none', null]])
          assertSame(await keys?.get('session', [...ids, 'none']), expected)
          assertSame(await keys?.get('lid-mapping', ['none']), { none: null })
          await keys?.set({ session: { [ids[0] ?? '']: 'newer', [ids[1] ?? '']: null, more: 'more' } })
          const changed = { [ids[0] ?? '']: 'newer', [ids[1] ?? '']: null, more: 'more' }
          assertSame(await keys?.get('session', Object.keys(changed)), changed)
        })
        assert.equal(counts.reads, 0)
      },
    },
    {
      name: 'what a session that was read whole loses of its cache, it reads again, and takes nothing for absent',
      async run({ open, openStore }) {
        const ids = numbered(60, '', String).map(change => change.name)
        const first = await open()
        await first.keys.set({ session: Object.fromEntries(ids.map(id => [id, 'x'.repeat(300)])) })
        await first.auth.close()
        const { keys } = await open({ store: await openStore(), cache: { preload: true, maxBytes: 70_000 } })
        for (let at = 0; at < 120; at++) await keys.set({ 'pre-key': { [at]: 'y'.repeat(300) } })
        for (const id of ids) assertSame(await keys.get('session', [id]), { [id]: 'x'.repeat(300) })
        for (let at = 0; at < 120; at++)
          assertSame(await keys.get('pre-key', [`${at}`]), { [at]: 'y'.repeat(300) })
        // Nor one that is larger than all of the cache.
        await keys.set({ session: { large: 'z'.repeat(80_000) } })
        assertSame(await keys.get('session', ['large']), { large: 'z'.repeat(80_000) })
      },
    },
    {
      name: 'a session that is larger than its cache is opened, and read when it is asked for',
      async run({ open, openStore }) {
        const ids = numbered(200, '', String).map(change => change.name)
        const first = await open()
        await first.keys.set({ session: Object.fromEntries(ids.map(id => [id, 'x'.repeat(1_000)])) })
        await first.auth.close()
        const store = await openStore()
        const { auth, keys } = await open({ store, cache: { preload: true, maxBytes: 100_000 } })
        assertSame(auth.state.creds.registrationId, first.auth.state.creds.registrationId)
        const expected = Object.fromEntries(ids.map(id => [id, 'x'.repeat(1_000)]))
        assertSame(await keys.get('session', [...ids, 'none']), { ...expected, none: null })
      },
    },
    {
      name: 'a session that can not be read whole is opened all the same, and read when it is asked for',
      async run({ open, openStore, failing }) {
        const first = await open()
        await first.keys.set({ session: { a: 'a' } })
        await first.auth.close()
        const store = failing(await openStore())
        store.fail('list')
        const { auth, keys } = await open({ store, cache: { preload: true } })
        assertSame(auth.state.creds.registrationId, first.auth.state.creds.registrationId)
        assertSame(await keys.get('session', ['a', 'none']), { a: 'a', none: null })
      },
    },
    {
      name: 'after a write of unknown outcome a session that was read whole takes nothing for absent',
      async run({ open, openStore, failing }) {
        const first = await open()
        await first.keys.set({ session: { a: 'a', b: 'b' } })
        await first.auth.close()
        const store = failing(await openStore())
        const { keys } = await open({ store, cache: { preload: true } })
        store.fail('write', 'after', 1)
        await keys.set({ session: { a: 'newer', c: 'c' } })
        assertSame(await keys.get('session', ['a', 'b', 'c', 'd']), { a: 'newer', b: 'b', c: 'c', d: null })
      },
    },
    {
      name: 'a cached read, present or absent, is no round trip',
      async run({ open, openStore }) {
        const store = countingStore(await openStore())
        const { keys } = await open({ store })
        await keys.set({ session: { set: 'set', removed: 'x' } })
        await keys.set({ session: { removed: null } })
        await keys.get('session', ['absent'])
        const counts = await store.during(async () => {
          for (let round = 0; round < 10; round++) {
            const expected = { set: 'set', removed: null, absent: null }
            assertSame(await keys.get('session', ['set', 'removed', 'absent']), expected)
          }
        })
        assert.equal(counts.reads, 0)
      },
    },
    {
      name: 'one batch is one round trip, however many changes and callers it has',
      async run({ open, openStore }) {
        const store = countingStore(await openStore())
        const { auth, keys } = await open({ store })
        await auth.saveCreds()
        const counts = await store.during(async () => {
          const sets = Array.from({ length: 50 }, (_, at) =>
            keys.set({ session: { [at]: 's' }, 'pre-key': { [at]: 'p' } }),
          )
          auth.state.creds.nextPreKeyId = 51
          await Promise.all([...sets, auth.saveCreds()])
        })
        assert.equal(counts.writes, 1)
        assert.equal(counts.changes, 101)
        assert.equal(counts.reads, 0, 'a write reads')
      },
    },
    {
      name: 'a read of more names than the store takes is split by its limit',
      async run({ open, openStore }) {
        const inner = await openStore()
        const limit = Math.min(50, inner.limits.readNames)
        const limited: Store = { ...passThrough(inner), limits: { ...inner.limits, readNames: limit } }
        const store = countingStore(limited)
        const ids = numbered(120, '', String).map(change => change.name)
        const first = await open()
        await first.keys.set({ session: Object.fromEntries(ids.slice(0, 60).map(id => [id, `value ${id}`])) })
        await first.auth.close()
        const { keys } = await open({ store })
        const counts = await store.during(async () => {
          const expected = Object.fromEntries(ids.map((id, at) => [id, at < 60 ? `value ${id}` : null]))
          assertSame(await keys.get('session', ids), expected)
        })
        assert.equal(counts.reads, Math.ceil(120 / limit))
        assert.ok(counts.largestRead <= limit)
      },
    },
    {
      name: 'the cache keeps to its bytes: of more records than fit, most are read again',
      async run({ open, openStore }) {
        const store = countingStore(await openStore())
        const { keys } = await open({ store, cache: { maxBytes: 100_000 } })
        const ids = numbered(500, '', String).map(change => change.name)
        await keys.set({ session: Object.fromEntries(ids.map(id => [id, 'x'.repeat(1000)])) })
        const counts = await store.during(async () => {
          for (const id of ids) await keys.get('session', [id])
        })
        assert.ok(counts.names >= 400, `of 500 records of 1 kB, 100 kB kept all but ${counts.names}`)
      },
    },
    {
      name: 'without a cache every read is a round trip, and sees what landed',
      async run({ open, openStore }) {
        const store = countingStore(await openStore())
        const { keys } = await open({ store, cache: { maxBytes: 0 } })
        const counts = await store.during(async () => {
          for (let round = 0; round < 5; round++) {
            await keys.set({ session: { a: `${round}` } })
            assertSame(await keys.get('session', ['a']), { a: `${round}` })
          }
        })
        assert.equal(counts.reads, 5)
      },
    },
    {
      name: 'saving creds that have not changed is no round trip',
      async run({ open, openStore }) {
        const store = countingStore(await openStore())
        const { auth } = await open({ store })
        await auth.saveCreds()
        const counts = await store.during(async () => {
          for (let round = 0; round < 5; round++) await auth.saveCreds()
        })
        assert.equal(counts.writes, 0)
      },
    },
    {
      name: 'opening and closing cost the same with three records as with three thousand',
      async run({ open, openStore }) {
        const costs: string[] = []
        for (const count of [3, 3000]) {
          const filling = await open()
          const ids = numbered(count, '', String).map(change => change.name)
          await filling.keys.set({ 'pre-key': Object.fromEntries(ids.map(id => [id, 'p'])) })
          await filling.auth.close()
          const store = countingStore(await openStore())
          const counts = await store.during(async () => {
            const { auth } = await open({ store })
            await auth.close()
          })
          costs.push(JSON.stringify(counts))
        }
        assert.equal(costs[0], costs[1])
      },
    },
  ],
}
