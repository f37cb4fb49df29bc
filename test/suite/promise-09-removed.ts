import assert from 'node:assert/strict'
import type { PromiseCases, StoreContext } from './cases.ts'
import { assertHolds, assertReads, changesOf, listedScopes, numbered, put } from './records.ts'

const fence = '!fence'
const mine = [{ name: fence, value: 'mine' }]

/** Promise 9, of the store itself: a removed scope is gone, and guarded late writes can't bring it back. */
export const removedStore: PromiseCases<StoreContext> = {
  number: 9,
  promise: 'removed stays removed',
  cases: [
    {
      name: 'a removed scope holds nothing, reserved records included, for every store',
      async run({ open, scope }) {
        const [store, other] = [await open(), await open()]
        await put(store, scope, { [fence]: 'mine', creds: 'c', 'session/a': 'a' })
        await assertReads(other, scope, { creds: 'c', [fence]: 'mine' })
        assert.equal(await store.remove(scope), true)
        for (const reader of [store, other, await open()]) {
          await assertHolds(reader, scope, {})
          await assertReads(reader, scope, { [fence]: undefined, creds: undefined, 'session/a': undefined })
          assert.equal((await listedScopes(reader)).length, 0)
        }
      },
    },
    {
      name: 'late writes of the former owner are refused, and the scope does not rise again',
      async run({ open, scope }) {
        const [owner, remover] = [await open(), await open()]
        await put(owner, scope, { [fence]: 'mine', creds: 'c', 'session/a': 'a' })
        assert.equal(await remover.remove(scope, mine), true)
        for (let time = 0; time < 3; time++) {
          assert.equal(
            await owner.write(scope, changesOf({ creds: 'late', 'session/a': 'late' }), mine),
            false,
          )
          assert.equal(
            await owner.write(scope, changesOf({ [fence]: 'mine', 'session/b': 'late' }), mine),
            false,
          )
        }
        await assertHolds(await open(), scope, {})
        assert.equal((await listedScopes(owner)).length, 0)
      },
    },
    {
      name: 'a removal whose guard fails removes nothing',
      async run({ open, scope }) {
        const store = await open()
        const before = { [fence]: 'mine', creds: 'c', 'session/a': 'a' }
        await put(store, scope, before)
        assert.equal(await store.remove(scope, [{ name: fence, value: 'theirs' }]), false)
        assert.equal(await store.remove(scope, [{ name: fence, value: undefined }]), false)
        assert.equal(await store.remove(scope, [...mine, { name: '!other', value: 'x' }]), false)
        await assertHolds(await open(), scope, before)
      },
    },
    {
      name: 'removing what is absent is no error, and a guard on a value then fails',
      async run({ open, scope }) {
        const store = await open()
        assert.equal(await store.remove(scope), true)
        assert.equal(await store.remove(scope, mine), false)
        await put(store, scope, { creds: 'c' })
        assert.equal(await store.remove(scope), true)
        assert.equal(await store.remove(scope), true)
        await assertHolds(store, scope, {})
      },
    },
    {
      name: 'a scope that was removed can be made anew, and holds nothing of the old one',
      async run({ open, scope }) {
        const store = await open()
        const first = [{ name: fence, value: undefined }]
        assert.equal(
          await store.write(
            scope,
            numbered(812, 'pre-key/', () => 'old'),
          ),
          true,
        )
        await put(store, scope, { [fence]: 'mine', creds: 'old' })
        assert.equal(await store.remove(scope, mine), true)
        assert.equal(await store.write(scope, changesOf({ [fence]: 'new', creds: 'new' }), first), true)
        assert.equal(await store.write(scope, changesOf({ creds: 'late' }), mine), false)
        await assertHolds(await open(), scope, { [fence]: 'new', creds: 'new' })
      },
    },
    {
      name: 'of writes beside a removal, none is there once both are done',
      async run({ open, scope }) {
        const [owner, remover] = [await open(), await open()]
        for (let round = 0; round < 10; round++) {
          await put(remover, scope, { [fence]: 'mine', creds: 'c' })
          const writes = Array.from({ length: 10 }, (_, index) =>
            owner.write(scope, changesOf({ [`session/${index}`]: 'a', creds: `${index}` }), mine),
          )
          assert.equal(await remover.remove(scope, mine), true)
          await Promise.all(writes)
          await assertHolds(remover, scope, {})
        }
      },
    },
    {
      name: 'neighbours of a removed scope keep every record',
      needs: ['scopes'],
      async run({ open, scope }) {
        const store = await open()
        const bot = `${scope}bot1`
        const neighbours = [
          `${scope}bot10`,
          `${scope}bot`,
          `${scope}Bot1`,
          `${scope}bot1/x`,
          `${scope}bot1.x`,
          `${scope}bot%31`,
          `${scope}bot_`,
          `${scope}bot1~x`,
          `x${bot}`,
          `${bot}:`,
        ]
        for (const neighbour of [bot, ...neighbours]) {
          await put(store, neighbour, { [fence]: 'mine', creds: neighbour, [`session/${bot}`]: 'a' })
        }
        assert.equal(await store.remove(bot, mine), true)
        await assertHolds(store, bot, {})
        for (const neighbour of neighbours) {
          await assertHolds(store, neighbour, { [fence]: 'mine', creds: neighbour, [`session/${bot}`]: 'a' })
        }
        assert.equal((await listedScopes(await open())).join('\n'), neighbours.sort().join('\n'))
      },
    },
    {
      name: 'removing the scope _ or % removes no other',
      needs: ['scopes'],
      async run({ open }) {
        const store = await open()
        const scopes = ['_', '%', '%25', 'a', '+', '.', '..', '-']
        for (const scope of scopes) await put(store, scope, { creds: scope })
        for (const scope of scopes.slice(0, 2)) assert.equal(await store.remove(scope), true)
        assert.equal((await listedScopes(store)).join(), scopes.slice(2).sort().join())
        for (const scope of scopes.slice(2)) await assertHolds(store, scope, { creds: scope })
      },
    },
  ],
}
