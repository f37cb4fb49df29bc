import assert from 'node:assert/strict'
import * as baileys7 from '@whiskeysockets/baileys'
import * as baileys6 from 'baileys-6'
import { type AnySignalKeyStore, encode, makeCacheableSignalKeyStore } from '../../src/index.ts'
import { sharingKeys } from './strangers.ts'
import { cacheable, same } from './wrappers.ts'

const type = 'app-state-sync-key'
const fields = {
  keyData: Buffer.from('f3a1ff00fb7e80c2d4e6f8091a2b3c4d', 'hex'),
  fingerprint: { rawId: 1_234_567_890, currentIndex: 2, deviceIndexes: [0, 1, 5] },
  timestamp: 1_700_000_000_123,
}

describe.each([
  ['6.7', baileys6],
  ['7', baileys7],
])('an app-state-sync-key of Baileys %s', (_, baileys) => {
  const { AppStateSyncKeyData } = baileys.proto.Message
  const key = () => AppStateSyncKeyData.fromObject({ ...fields, keyData: Buffer.from(fields.keyData) })
  const bytes = (value: unknown) => {
    // What fails to be a key fails to be encoded as one.
    const message = AppStateSyncKeyData.encode(value as baileys7.proto.Message.IAppStateSyncKeyData)
    return Buffer.from(message.finish()).toString('hex')
  }

  test('comes back as one, of its own class, from the cache too', async () => {
    for (const wayIn of ['set', 'read'] as const) {
      const store = sharingKeys()
      const keys = cacheable(store)
      if (wayIn === 'set') await keys.set({ [type]: { a: key() } })
      else await store.set({ [type]: { a: key() } })
      const found = [await keys.get(type, ['a', 'none']), await keys.get(type, ['none', 'a'])]
      for (const { a, none } of found) {
        assert.ok(a instanceof key().constructor)
        assert.equal(bytes(a), bytes(key()))
        assert.equal(none, null)
      }
      assert.notEqual(found[0]?.a, found[1]?.a)
      assert.equal(store.gets.length, 1)
    }
  })

  test('reaches the store as one, which later changes of the caller leave alone', async () => {
    const store = sharingKeys()
    const keys = cacheable(store)
    const mine = key()
    await keys.set({ [type]: { a: mine } })
    mine.keyData?.fill(0)
    mine.fingerprint = null
    const held = store.at(type, 'a')
    assert.ok(held instanceof key().constructor)
    assert.equal(bytes(held), bytes(key()))
    assert.equal(encode(held), encode(key()))
  })

  test('is made by the installed Baileys where only its fields have been seen', async () => {
    const store = sharingKeys()
    await store.set({ [type]: { a: { ...fields } } })
    const keys = cacheable(store)
    for (let time = 0; time < 2; time++) {
      const { a } = await keys.get(type, ['a'])
      assert.equal(bytes(a), bytes(key()))
      assert.ok(typeof a === 'object' && a !== null && 'toJSON' in a)
    }
    assert.equal(store.gets.length, 1)
  })
})

test('an app-state-sync-key that lost its bytes is never kept, and handed on as the store has it', async () => {
  const store = sharingKeys()
  const lost = { keyData: { 0: 1, 1: 2 } }
  const keys = cacheable(store)
  await keys.set({ [type]: { a: lost } })
  for (let time = 1; time <= 3; time++) {
    same(await keys.get(type, ['a']), { a: lost })
    assert.equal(store.gets.length, time)
  }
  await keys.set({ [type]: { a: fields } })
  const { a } = await keys.get(type, ['a'])
  assert.ok(typeof a === 'object' && a !== null && 'keyData' in a)
  same(a.keyData, fields.keyData)
})

test("an app-state-sync-key of anyone's class comes back of that class", async () => {
  class Key {
    keyData: Uint8Array | null = null
    static fromObject(object: { keyData: Uint8Array }): Key {
      return Object.assign(new Key(), { keyData: object.keyData })
    }
  }
  const store = sharingKeys()
  const keys = makeCacheableSignalKeyStore(store) satisfies AnySignalKeyStore
  await keys.set({ [type]: { a: Key.fromObject({ keyData: Buffer.from('k') }) } })
  const { a } = await keys.get(type, ['a'])
  assert.ok(a instanceof Key)
  same(a.keyData, Buffer.from('k'))
  assert.ok(store.at(type, 'a') instanceof Key)
})
