import { inspect } from 'node:util'
import { memoryStore } from '../../src/stores/memory.ts'
import { sealed } from '../../src/stores/sealed.ts'
import { testKey } from './sealed-backend.ts'

const k1 = testKey(1)

/** Calls it as JavaScript would, whatever the types say. */
function call(...parts: readonly unknown[]): unknown {
  return Reflect.apply(sealed, undefined, parts)
}

test.each<[string, readonly unknown[], RegExp]>([
  ['no store', [undefined, { keys: { k1 } }], /takes a store first/],
  ['a client in a store’s place', [{ query() {} }, { keys: { k1 } }], /not a client/],
  ['a store that is sealed already', [sealed(memoryStore(), { keys: { k1 } }), { keys: { k1 } }], /one ring/],
  ['no options', [memoryStore()], /keys/],
  ['no keys', [memoryStore(), {}], /'keys'/],
  ['an empty ring', [memoryStore(), { keys: {} }], /holds no key/],
  ['a key without an id', [memoryStore(), { keys: k1 }], /by id/],
  ['a list of keys', [memoryStore(), { keys: [k1] }], /by id/],
  ['an unknown option', [memoryStore(), { keys: { k1 }, hideName: true }], /unknown option 'hideName'/],
  ['hideNames that is no boolean', [memoryStore(), { keys: { k1 }, hideNames: 'yes' }], /'hideNames'/],
  ['a key of 31 bytes', [memoryStore(), { keys: { k1: k1.subarray(1) } }], /32 bytes/],
  ['a key of 33 bytes', [memoryStore(), { keys: { k1: Buffer.alloc(33) } }], /32 bytes/],
  ['a key that is no bytes', [memoryStore(), { keys: { k1: 1 } }], /32 bytes/],
  ['a second key that is wrong', [memoryStore(), { keys: { k1, k2: Buffer.alloc(16) } }], /'k2'/],
  ['a passphrase of 7 characters', [memoryStore(), { keys: { k1: '1234567' } }], /shorter than 8/],
  ['an id that is a number', [memoryStore(), { keys: { 2024: k1 } }], /before all others/],
  ['an id that begins with a digit', [memoryStore(), { keys: { '1k': k1 } }], /begins with a letter/],
  ['an id with a colon', [memoryStore(), { keys: { 'k:1': k1 } }], /letters, digits/],
  ['an id of 33 characters', [memoryStore(), { keys: { ['k'.repeat(33)]: k1 } }], /32 letters/],
  ['an empty id', [memoryStore(), { keys: { '': k1 } }], /no id/],
])('%s is a TypeError at the call', (_, parts, message) => {
  expect(() => call(...parts)).toThrow(TypeError)
  expect(() => call(...parts)).toThrow(message)
})

test('no message quotes a key', () => {
  const messages = [{ k1: '1234567' }, { 'secret id?': 'a passphrase' }, { k1: 'abc' }].map(keys => {
    try {
      return String(call(memoryStore(), { keys }))
    } catch (error) {
      return String(error)
    }
  })
  for (const message of messages) expect(message).not.toMatch(/1234567|a passphrase|abc/)
})

test('keys are copied: what the caller does to its bytes afterwards changes nothing', async () => {
  const inner = memoryStore()
  const bytes = Buffer.from(k1)
  const store = sealed(inner, { keys: { k1: bytes } })
  bytes.fill(0)
  await store.write('shop', [{ name: 'creds', value: '{}' }])
  expect(await sealed(inner, { keys: { k1 } }).read('shop', ['creds'])).toEqual(['{}'])
})

test('a key may lie anywhere in a larger buffer, and ids may hold what names of properties hold', async () => {
  const inner = memoryStore()
  const large = Buffer.alloc(100, 7).fill(1, 20, 52)
  await sealed(inner, { keys: { constructor: large.subarray(20, 52) } }).write('shop', [
    { name: 'creds', value: '{}' },
  ])
  expect(await sealed(inner, { keys: { constructor: k1 } }).read('shop', ['creds'])).toEqual(['{}'])
})

test('keys are in nothing that is printed, logged or turned into JSON', async () => {
  const key = Buffer.from('a key of thirty-two bytes exactly')
  const passphrase = 'a passphrase that nobody prints'
  const store = sealed(memoryStore(), { keys: { k1: key.subarray(0, 32), k2: passphrase }, hideNames: true })
  await store.write('shop', [{ name: 'creds', value: '{}' }])
  await store.read('shop', ['creds'])
  const printed = [
    inspect(store, { depth: 20, showHidden: true, getters: true }),
    JSON.stringify({ ...store }),
    String(store),
  ].join('\n')
  const bytes = key.subarray(0, 32)
  const forms = [passphrase, bytes.toString(), bytes.toString('hex'), bytes.toString('base64')]
  const listed = inspect(bytes).slice(8, 40)
  for (const form of [...forms, listed, 'thirty-two']) expect(printed).not.toContain(form)
})

test('kind, durability, identity and isPermanent are those of the store inside', () => {
  const inner = memoryStore()
  const store = sealed(inner, { keys: { k1 } })
  expect([store.kind, store.durability, store.identity[0]]).toEqual(['memory', 'none', inner])
  expect(store.isPermanent).toBeUndefined()
  const permanent = { ...passes(inner), isPermanent: (error: unknown) => error === 'for good' }
  const delegating = sealed(permanent, { keys: { k1 } })
  expect([delegating.isPermanent?.('for good'), delegating.isPermanent?.('not')]).toEqual([true, false])
})

test('the limits leave room for what sealing adds, and a batch that is too large all the same says what to do', async () => {
  const inner = { ...passes(memoryStore()), limits: { readNames: 10, batchBytes: 4096 } }
  const plain = sealed(inner, { keys: { k1 } })
  const hidden = sealed(inner, { keys: { k1, k2: testKey(2) }, hideNames: true })
  expect(plain.limits).toEqual({ readNames: 9, batchBytes: 2048 })
  expect(hidden.limits).toEqual({ readNames: 3, batchBytes: 1024 })
  const batch = Array.from({ length: 60 }, (_, at) => ({ name: `lid-mapping/${at}`, value: '"1"' }))
  await expect(hidden.write('shop', batch)).rejects.toMatchObject({
    code: 'BATCH_TOO_LARGE',
    message: expect.stringMatching(/Set fewer records at once/),
  })
  expect(await hidden.read('shop', ['lid-mapping/0'])).toEqual([undefined])
})

test('a read asks for no more names at once than the store inside takes', async () => {
  const memory = memoryStore()
  let largest = 0
  const inner = {
    ...passes(memory),
    limits: { readNames: 4, batchBytes: 1_000_000 },
    read(scope: string, names: readonly string[]) {
      largest = Math.max(largest, names.length)
      return memory.read(scope, names)
    },
  }
  await memory.write('shop', [{ name: 'session/0', value: '"raw"' }])
  await sealed(inner, { keys: { k1 }, hideNames: true }).write('shop', [{ name: 'session/1', value: '"1"' }])
  const store = sealed(inner, { keys: { k2: testKey(2), k1 }, hideNames: true })
  await store.write('shop', [{ name: 'session/2', value: '"2"' }])
  expect(store.limits.readNames).toBe(1)
  expect(await store.read('shop', ['session/2', 'session/3', 'session/1', 'session/0'])).toEqual([
    '"2"',
    undefined,
    '"1"',
    '"raw"',
  ])
  expect(largest).toBe(4)
})

/** The store's methods as an object's own. */
function passes(store: ReturnType<typeof memoryStore>) {
  return {
    kind: store.kind,
    identity: store.identity,
    durability: store.durability,
    limits: store.limits,
    open: () => store.open(),
    read: store.read.bind(store),
    write: store.write.bind(store),
    list: store.list.bind(store),
    scopes: store.scopes.bind(store),
    remove: store.remove.bind(store),
    close: () => store.close(),
  }
}
