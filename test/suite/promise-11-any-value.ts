import assert from 'node:assert/strict'
import type { AuthState } from '../../src/auth-state.ts'
import { recordName, scopeOf } from '../../src/names.ts'
import { type AuthContext, storedKey } from './auth-context.ts'
import type { PromiseCases, StoreContext } from './cases.ts'
import { everyCharacter, hostileNames, hostileTexts } from './hostile.ts'
import { randomOf } from './random.ts'
import { assertHolds, assertReads, changesOf, listed, listedScopes, numbered, put } from './records.ts'
import { assertSame } from './same.ts'
import { anyName, anyValue } from './sample-keys.ts'

const charset = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!%+,-./:=@_~'

/** Promise 11, of the store itself: names are compared byte by byte, texts come back as they were given. */
export const anyValueStore: PromiseCases<StoreContext> = {
  number: 11,
  promise: 'any id, any value',
  cases: [
    {
      name: 'every text comes back as it was given',
      async run({ open, scope }) {
        const store = await open()
        const batch = numbered(hostileTexts.length, 'session/', index => hostileTexts[index])
        assert.equal(await store.write(scope, batch), true)
        for (const reader of [store, await open()]) {
          const values = await reader.read(
            scope,
            batch.map(change => change.name),
          )
          const entries = await listed(reader, scope)
          batch.forEach(({ name, value }, at) => {
            assert.ok(values[at] === value, `a read changed the text ${JSON.stringify(value?.slice(0, 60))}`)
            assert.ok(
              entries.get(name) === value,
              `a list changed the text ${JSON.stringify(value?.slice(0, 60))}`,
            )
          })
        }
      },
    },
    {
      name: 'a guard compares every text exactly',
      async run({ open, scope }) {
        const store = await open()
        const texts = hostileTexts.filter(text => text.length < 1000)
        for (let at = 0; at < texts.length; at++) {
          const [text, next] = [texts[at], texts[(at + 1) % texts.length]]
          await put(store, scope, { '!fence': text })
          assert.equal(
            await store.write(scope, changesOf({ creds: 'no' }), [{ name: '!fence', value: next }]),
            false,
          )
          const held = await store.write(scope, changesOf({ creds: 'yes' }), [
            { name: '!fence', value: text },
          ])
          assert.equal(held, true, `a guard did not recognise ${JSON.stringify(text)}`)
        }
      },
    },
    {
      name: 'a text of every character of Unicode, and one of 1 MB, come back as they were given',
      async run({ open, scope }) {
        const store = await open()
        const long = '0123456789abcdef'.repeat(65_536)
        const every = everyCharacter()
        await put(store, scope, { 'session/every': every, 'session/long': long })
        const [everyBack, longBack] = await (await open()).read(scope, ['session/every', 'session/long'])
        assert.ok(everyBack === every, 'a text of every character came back changed')
        assert.equal(longBack?.length, long.length, 'a text of 1 MB has another length')
        assert.ok(longBack === long, 'a text of 1 MB came back changed')
      },
    },
    {
      name: 'names out of every character that the contract allows are kept apart',
      async run({ open, scope }) {
        const store = await open()
        const names = Array.from(charset).flatMap(one => [
          `t/${one}`,
          `t/${one}${one}`,
          `t/x${one}`,
          `t/${one}x`,
        ])
        const unique = Array.from(new Set(names))
        assert.equal(
          await store.write(
            scope,
            unique.map(name => ({ name, value: `value of ${name}` })),
          ),
          true,
        )
        for (const reader of [store, await open()]) {
          const values = await reader.read(scope, unique)
          unique.forEach((name, at) => {
            assert.equal(values[at], `value of ${name}`, `record ${name}`)
          })
          assert.equal((await listed(reader, scope)).size, unique.length)
        }
        for (const name of unique.slice(0, 40)) await put(store, scope, { [name]: undefined })
        assert.equal((await listed(store, scope)).size, unique.length - 40)
      },
    },
    {
      name: 'names that differ in case only are different records',
      async run({ open, scope }) {
        const store = await open()
        const names = ['key/abc', 'key/ABC', 'key/Abc', 'KEY/abc', 'key/aBc=', 'key/abC=']
        for (const name of names) {
          await assertReads(store, scope, { [name]: undefined })
          await put(store, scope, { [name]: name })
        }
        await assertHolds(await open(), scope, Object.fromEntries(names.map(name => [name, name])))
        await put(store, scope, { 'key/ABC': undefined })
        const left = names.filter(name => name !== 'key/ABC')
        await assertHolds(await open(), scope, Object.fromEntries(left.map(name => [name, name])))
        assert.equal((await listed(store, scope, { prefix: 'KEY/' })).size, 1)
      },
    },
    {
      name: 'the longest names and scopes that the contract allows are kept apart to the last character',
      async run({ open, scope }) {
        const store = await open()
        const name = (end: string) => `session/${'n'.repeat(391)}${end}`
        assert.equal(name('1').length, 400)
        await put(store, scope, { [name('1')]: 'one', [name('2')]: 'two' })
        await assertReads(await open(), scope, {
          [name('1')]: 'one',
          [name('2')]: 'two',
          [name('3')]: undefined,
        })
      },
    },
    {
      name: 'the longest scopes that the contract allows are kept apart to the last character',
      needs: ['scopes'],
      async run({ open }) {
        const store = await open()
        const scopes = ['1', '2', 'a', 'A'].map(end => `${'s'.repeat(199)}${end}`)
        for (const scope of scopes) {
          await put(store, scope, { creds: scope, [`session/${'n'.repeat(392)}`]: scope })
        }
        for (const scope of scopes) {
          await assertHolds(store, scope, { creds: scope, [`session/${'n'.repeat(392)}`]: scope })
        }
        assert.equal((await listedScopes(store)).join(), scopes.sort().join())
      },
    },
    {
      name: 'the prefix of a list is taken literally',
      async run({ open, scope }) {
        const store = await open()
        const names = [
          'a%',
          'a_',
          'a.',
          'a+',
          'ab',
          'a%b',
          'a_b',
          'a%25',
          'A%',
          'A_',
          'aa',
          'b/a%',
          '!a',
          '~a',
          'a~',
        ]
        const batch = names.map(name => ({ name, value: name }))
        assert.equal(await store.write(scope, batch), true)
        for (const prefix of [
          'a%',
          'a_',
          'a.',
          'a+',
          'a',
          'A',
          '%',
          '_',
          '.',
          '!',
          '~',
          'a%2',
          'b/',
          'a~',
          'zz',
        ]) {
          const expected = names.filter(name => name.startsWith(prefix)).sort()
          for (const values of [false, true]) {
            const found = Array.from((await listed(store, scope, { prefix, values })).keys()).sort()
            assert.equal(found.join(), expected.join(), `the prefix ${prefix}`)
          }
        }
      },
    },
    {
      name: 'the prefix of scopes is taken literally',
      needs: ['scopes'],
      async run({ open }) {
        const store = await open()
        const scopes = ['a%', 'a_', 'a.', 'ab', 'a%b', 'a_b', 'A%', 'aa', 'b%61', 'a/b', 'a:b', 'a~']
        for (const scope of scopes) await put(store, scope, { creds: scope })
        for (const prefix of ['a%', 'a_', 'a.', 'a', 'A', '%', '_', 'a/', 'a:', 'a~', 'b%6', '']) {
          const expected = scopes.filter(scope => scope.startsWith(prefix)).sort()
          assert.equal((await listedScopes(store, prefix)).join(), expected.join(), `the prefix ${prefix}`)
        }
        assert.equal((await listedScopes(store)).join(), scopes.sort().join())
      },
    },
    {
      name: 'scopes and names do not run together',
      needs: ['scopes'],
      async run({ open }) {
        const store = await open()
        const places = [
          ['a', 'b/c'],
          ['a/b', 'c'],
          ['a:b', 'c'],
          ['a', 'b:c'],
          ['a', 'b'],
          ['ab', 'c'],
          ['a', 'bc'],
          ['a.b', 'c'],
          ['a', 'b.c'],
          ['A', 'b'],
          ['a%2Fb', 'c'],
          ['..', 'a'],
          ['.', 'a'],
        ] as const
        for (const [scope, name] of places) await put(store, scope, { [name]: `${scope} ${name}` })
        for (const [scope, name] of places) await assertReads(store, scope, { [name]: `${scope} ${name}` })
        for (const scope of new Set(places.map(([one]) => one))) {
          const own = places.filter(([one]) => one === scope).map(([, name]) => [name, `${scope} ${name}`])
          await assertHolds(store, scope, Object.fromEntries(own))
        }
      },
    },
    {
      name: 'a scope does not see the records of one whose name it begins',
      needs: ['scopes'],
      async run({ open, scope }) {
        const store = await open()
        const [shorter, longer] = [`${scope}bot1`, `${scope}bot10`]
        await put(store, longer, { creds: 'longer', 'session/a': 'a' })
        await assertHolds(store, shorter, {})
        await put(store, shorter, { creds: 'shorter', '0/x': 'x' })
        await assertHolds(store, shorter, { creds: 'shorter', '0/x': 'x' })
        await assertHolds(store, longer, { creds: 'longer', 'session/a': 'a' })
      },
    },
    {
      name: 'records of hostile ids, as the core names them, are kept apart',
      async run({ open, scope }) {
        const store = await open()
        const batch = hostileNames.map((id, at) => ({
          name: recordName('app-state-sync-key', id),
          value: `${at}`,
        }))
        assert.equal(new Set(batch.map(change => change.name)).size, hostileNames.length)
        assert.equal(await store.write(scope, batch), true)
        for (const reader of [store, await open()]) {
          const values = await reader.read(
            scope,
            batch.map(change => change.name),
          )
          batch.forEach(({ value }, at) => {
            assert.equal(
              values[at],
              value,
              `the record of id ${JSON.stringify(hostileNames[at]?.slice(0, 40))}`,
            )
          })
          assert.equal((await listed(reader, scope)).size, hostileNames.length)
        }
      },
    },
    {
      name: 'records of hostile types, as the core names them, are kept apart',
      async run({ open, scope }) {
        const store = await open()
        const batch = hostileNames.map((type, at) => ({ name: recordName(type, 'id'), value: `${at}` }))
        assert.equal(await store.write(scope, batch), true)
        await assertHolds(
          await open(),
          scope,
          Object.fromEntries(batch.map(({ name, value }) => [name, value])),
        )
      },
    },
    {
      name: 'sessions of hostile names, as the core names their scopes, are kept apart',
      needs: ['scopes'],
      async run({ open }) {
        const store = await open()
        const scopes = hostileNames.map(scopeOf)
        assert.equal(new Set(scopes).size, hostileNames.length)
        for (const [at, scope] of scopes.entries()) {
          await put(store, scope, { creds: `${at}`, [recordName('session', hostileNames[at] ?? '')]: 's' })
        }
        for (const [at, scope] of scopes.entries()) {
          await assertHolds(store, scope, {
            creds: `${at}`,
            [recordName('session', hostileNames[at] ?? '')]: 's',
          })
        }
        assert.equal((await listedScopes(await open())).length, hostileNames.length)
        for (const scope of scopes.slice(0, 20)) assert.equal(await store.remove(scope), true)
        assert.equal((await listedScopes(store)).length, hostileNames.length - 20)
      },
    },
  ],
}

/** Promise 11, through an auth state: any id and any value that BufferJSON can carry. */
export const anyValueAuthState: PromiseCases<AuthContext> = {
  number: 11,
  promise: anyValueStore.promise,
  cases: [
    {
      name: 'values of every kind come back deeply equal, from the cache and after a restart',
      async run({ open, openStore, scope }) {
        const random = randomOf()
        const values = Object.fromEntries(
          Array.from({ length: 300 }, (_, at) => [`id-${at}`, anyValue(random)]),
        )
        const first = await open()
        await first.keys.set({ session: values })
        const told = (at: string) => `value ${at} (AUTHKIT_SEED=${random.seed})`
        const store = await openStore()
        for (const [id, value] of Object.entries(values)) {
          assertSame(await storedKey(store, scope, 'session', id), value, `in the store, ${told(id)}`)
        }
        const cached = await first.auth.state.keys.get('session', Object.keys(values))
        for (const [id, value] of Object.entries(values)) assertSame(cached[id], value, told(id))
        await first.auth.close()
        const second = await open()
        const read = await second.auth.state.keys.get('session', Object.keys(values))
        for (const [id, value] of Object.entries(values))
          assertSame(read[id], value, `after a restart, ${told(id)}`)
      },
    },
    {
      name: 'ids of any Unicode are kept apart, set one by one and at once',
      async run({ lacks, open, openStore, scope }) {
        const random = randomOf()
        const fuzzed = Array.from({ length: 200 }, () => anyName(random))
        const ids = Array.from(new Set([...hostileNames, ...fuzzed])).filter(
          id => !(lacks.includes('__proto__') && id === '__proto__'),
        )
        const first = await open()
        const half = Math.floor(ids.length / 2)
        await first.keys.set({ 'sender-key': Object.fromEntries(ids.slice(0, half).map(id => [id, { id }])) })
        for (const id of ids.slice(half))
          await first.keys.set({ 'sender-key': Object.fromEntries([[id, { id }]]) })
        const store = await openStore()
        const names = ids.map(id => recordName('sender-key', id))
        assert.ok((await store.read(scope, names)).every(text => text !== undefined))
        await first.auth.close()
        const { auth } = await open()
        const read = await auth.state.keys.get('sender-key', ids)
        for (const id of ids) {
          assertSame(read[id], { id }, `id ${JSON.stringify(id.slice(0, 40))} (AUTHKIT_SEED=${random.seed})`)
        }
      },
    },
    {
      name: 'ids that differ a little are removed one without the other',
      async run({ open }) {
        const { auth, keys } = await open()
        const ids = ['a', 'A', 'a ', ' a', 'a/b', 'a%2Fb', 'a:b', 'a%', 'a_', 'a*', 'é', 'e\u0301', '1', '01']
        await keys.set({ session: Object.fromEntries(ids.map(id => [id, id])) })
        for (const [at, id] of ids.entries()) {
          await keys.set({ session: { [id]: null } })
          const expected = Object.fromEntries(ids.map((other, place) => [other, place <= at ? null : other]))
          assertSame(await auth.state.keys.get('session', ids), expected)
        }
      },
    },
    {
      name: 'types of any name are kept apart',
      async run({ lacks, open, openStore, scope }) {
        const { keys } = await open()
        const types = hostileNames.filter(type => !(lacks.includes('__proto__') && type === '__proto__'))
        const data = Object.fromEntries(types.map(type => [type, { id: { type } }]))
        await keys.set(data)
        const store = await openStore()
        const texts = await store.read(
          scope,
          types.map(type => recordName(type, 'id')),
        )
        assert.equal(new Set(texts).size, types.length)
        assert.ok(texts.every(text => text !== undefined))
      },
    },
    {
      name: 'sessions of any name are kept apart, and one is removed without the others',
      needs: ['scopes'],
      async run({ open, openStore }) {
        const store = await openStore()
        const sessions = hostileNames.slice(0, 40)
        for (const session of sessions) {
          const { auth, keys } = await open({ store, session })
          await keys.set({ session: { own: session } })
          await auth.close()
        }
        const removed = await open({ store, session: sessions[0] ?? '' })
        await removed.auth.remove()
        for (const session of sessions.slice(1)) {
          const { auth, keys } = await open({ store, session })
          assertSame(await keys.get('session', ['own']), { own: session })
          await auth.close()
        }
        assert.equal((await listedScopes(store)).length, sessions.length - 1)
      },
    },
    {
      name: 'a value of 1 MB comes back as it was given',
      async run({ open, openStore, scope }) {
        const { keys } = await open()
        const large = Buffer.alloc(700_000, 'any bytes')
        await keys.set({ session: { large } })
        assertSame(await storedKey(await openStore(), scope, 'session', 'large'), large)
      },
    },
    {
      name: 'an app-state-sync-key comes back with the bytes that Baileys computes with',
      async run({ baileys, open }) {
        const first = await open()
        const keyData = Buffer.from('0123456789abcdef0123456789abcdef')
        const fingerprint = { rawId: 7, currentIndex: 1, deviceIndexes: [0, 1] }
        const key = baileys.proto.Message.AppStateSyncKeyData.fromObject({ keyData, fingerprint })
        await first.keys.set({ 'app-state-sync-key': { 'AAAA/b+=': key } })
        const read = async (state: AuthState['state']) =>
          (await state.keys.get('app-state-sync-key', ['AAAA/b+=']))['AAAA/b+=']
        const cached = await read(first.auth.state)
        await first.auth.close()
        const second = await open()
        for (const found of [cached, await read(second.auth.state)]) {
          assertSame(found?.keyData, keyData)
          assertSame(found?.fingerprint?.deviceIndexes, [0, 1])
        }
      },
    },
    {
      name: 'creds carry what the bot keeps in them, deeply equal after a restart',
      async run({ open }) {
        const random = randomOf()
        const first = await open()
        const kept = Object.fromEntries(Array.from({ length: 50 }, () => [anyName(random), anyValue(random)]))
        first.auth.state.creds.additionalData = kept
        first.auth.state.creds.routingInfo = random.bytes(40)
        const routingInfo = Buffer.from(first.auth.state.creds.routingInfo)
        await first.auth.saveCreds()
        await first.auth.close()
        const { auth } = await open()
        assertSame(auth.state.creds.additionalData, kept, `additional data (AUTHKIT_SEED=${random.seed})`)
        assertSame(auth.state.creds.routingInfo, routingInfo)
      },
    },
  ],
}
