import assert from 'node:assert/strict'
import { recordName, scopeOf } from '../../src/names.ts'
import type { PromiseCases, StoreContext } from './cases.ts'
import { everyCharacter, hostileNames, hostileTexts } from './hostile.ts'
import { assertHolds, assertReads, changesOf, listed, listedScopes, numbered, put } from './records.ts'

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
