import * as baileys from '@whiskeysockets/baileys'
import { type AuthState, useAuthState } from '../../src/auth-state.ts'
import type { Store } from '../../src/store.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { type SealedOptions, sealed } from '../../src/stores/sealed.ts'
import { countingStore, recordingStore } from '../suite/index.ts'
import { passThrough } from '../suite/pass-through.ts'
import { testKey } from './sealed-backend.ts'
import { vectors } from './vectors.ts'

const scope = 'shop'
const [k1, k2] = [testKey(1), testKey(2)]
const passphrase = 'correct horse battery staple'

const plain = (keys: SealedOptions['keys']): SealedOptions => ({ keys })
const hidden = (keys: SealedOptions['keys']): SealedOptions => ({ keys, hideNames: true })

/** Opens the session with these options, or raw without any. */
function open(inner: Store, options?: SealedOptions): Promise<AuthState> {
  const store = options ? sealed(inner, options) : inner
  return useAuthState(store, { session: scope, baileys, logger: false })
}

/** One run of a bot, which reads all that the runs before it wrote, and writes something of its own. */
async function run(inner: Store, options: SealedOptions | undefined, before: string[]): Promise<void> {
  const auth = await open(inner, options)
  expect(await auth.state.keys.get('lid-mapping', before)).toEqual(
    Object.fromEntries(before.map(id => [id, `value ${id}`])),
  )
  const listed: string[] = []
  for await (const id of auth.state.keys.listIds('lid-mapping')) listed.push(id)
  expect(listed.sort()).toEqual([...before].sort())
  const id = `written-${before.length}`
  auth.state.creds.nextPreKeyId += 1
  await Promise.all([auth.saveCreds(), auth.state.keys.set({ 'lid-mapping': { [id]: `value ${id}` } })])
  before.push(id)
  await auth.close()
}

/** Runs with one option after the other: whatever was written stays readable, and the identity stays. */
async function runAll(inner: Store, turns: readonly (SealedOptions | undefined)[]): Promise<string[]> {
  const written: string[] = []
  let identity: number | undefined
  for (const options of turns) {
    await run(inner, options, written)
    const auth = await open(inner, options)
    identity ??= auth.state.creds.registrationId
    expect(auth.state.creds.registrationId).toBe(identity)
    expect(auth.state.creds.nextPreKeyId).toBe(1 + written.length)
    await auth.close()
  }
  return written
}

async function recordsOf(store: Store): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for await (const page of store.list(scope, { values: true }))
    for (const { name, value = '' } of page) found.set(name, value)
  return found
}

/** As a copy does that knows nothing of sealing: reserved records stay behind. */
async function rawCopy(from: Store, into: Store = memoryStore()): Promise<Store> {
  const records = Array.from(await recordsOf(from)).filter(([name]) => !name.startsWith('!'))
  await into.write(
    scope,
    records.map(([name, value]) => ({ name, value })),
  )
  return into
}

test.each<[string, (SealedOptions | undefined)[]]>([
  ['sealing is turned on over a plain store', [undefined, plain({ k1 }), plain({ k1 })]],
  ['hiding is turned on over a plain store', [undefined, hidden({ k1 }), hidden({ k1 })]],
  ['hiding is turned on over a sealed store', [plain({ k1 }), hidden({ k1 }), hidden({ k1 })]],
  ['keys are rotated', [plain({ k1 }), plain({ k2, k1 }), plain({ k2, k1 })]],
  ['keys are rotated while names are hidden', [hidden({ k1 }), hidden({ k2, k1 }), hidden({ k2, k1 })]],
  [
    'keys are rotated, and the order is swapped back',
    [hidden({ k1 }), hidden({ k2, k1 }), hidden({ k1, k2 }), hidden({ k2, k1 })],
  ],
  [
    'hiding is turned on and keys are rotated at once over a sealed, once plain store',
    [undefined, plain({ k1 }), hidden({ k2, k1 }), hidden({ k2, k1 })],
  ],
  [
    'a passphrase follows a key, and hiding a plain store',
    [undefined, plain({ k1 }), plain({ home: passphrase, k1 }), hidden({ home: passphrase, k1 })],
  ],
  ['a passphrase hides', [hidden({ home: passphrase }), hidden({ home: passphrase })]],
  [
    'a key follows a passphrase that hides',
    [hidden({ home: passphrase }), hidden({ k1, home: passphrase }), hidden({ home: passphrase, k1 })],
  ],
])('nothing seems absent when %s', async (_, turns) => {
  await runAll(memoryStore(), turns)
})

test.each<[string, SealedOptions, SealedOptions]>([
  ['keys', hidden({ k1 }), hidden({ k1 })],
  ['rotated keys', hidden({ k1 }), hidden({ k2, k1 })],
  ['a passphrase', hidden({ home: passphrase }), hidden({ home: passphrase })],
])(
  'nothing seems absent in a copy that left the reserved records out, names hidden by %s',
  async (_, first, then) => {
    const inner = memoryStore()
    const written = await runAll(inner, [first, then])
    const copy = await rawCopy(inner)
    await run(copy, then, written)
    await run(copy, then, written)
    expect((await recordsOf(copy)).has('!seal')).toBe(true)
  },
)

test('records that were hidden under two salts of one passphrase, and copied together, are all found', async () => {
  const options = hidden({ home: passphrase })
  const copy = memoryStore()
  // Hidden by another process, with a salt that this one has not seen.
  const vector = vectors.find(({ what }) => what === 'a passphrase, the name hidden')
  if (!vector) throw new Error('there is no such vector')
  const inner = memoryStore()
  await sealed(inner, options).write(vector.scope, [{ name: 'session/mine', value: '"mine"' }])
  for await (const page of inner.list(vector.scope, { values: true }))
    for (const { name, value } of page)
      if (name !== '!seal') await copy.write(vector.scope, [{ name, value }])
  await copy.write(vector.scope, [{ name: vector.storedName, value: vector.sealed }])
  const store = sealed(copy, options)
  const names = [vector.name, 'session/mine', 'session/none']
  expect(await store.read(vector.scope, names)).toEqual([vector.text, '"mine"', undefined])
  await store.write(vector.scope, [{ name: vector.name, value: '"anew"' }])
  expect(await store.read(vector.scope, names)).toEqual(['"anew"', '"mine"', undefined])
  expect(await sealed(copy, options).read(vector.scope, names)).toEqual(['"anew"', '"mine"', undefined])
  const [seal = ''] = await copy.read(vector.scope, ['!seal'])
  expect(new Set(seal.match(/15\.8\.3\.[^"]*/g)).size).toBe(2)
})

test.each<[string, SealedOptions | undefined, string]>([
  ['hiding is turned off', plain({ k1 }), 'STORE_UNUSABLE'],
  ['the key is another one under the same id', hidden({ k1: k2 }), 'RECORD_CORRUPT'],
  ['the key is gone', hidden({ k2 }), 'SEAL_KEY_MISSING'],
  ['a passphrase stands in the place of the key', hidden({ k1: passphrase }), 'RECORD_CORRUPT'],
  ['the store is not sealed any more', undefined, 'SEAL_KEY_MISSING'],
])('a session with hidden names refuses to open, and stays as it is, when %s', async (_, options, code) => {
  for (const copy of [async (store: Store) => store, rawCopy]) {
    const original = memoryStore()
    const written = await runAll(original, [hidden({ k1 })])
    const inner = await copy(original)
    const before = await rawCopy(inner)
    await expect(open(inner, options)).rejects.toMatchObject({ code })
    expect(await recordsOf(await rawCopy(inner))).toEqual(await recordsOf(before))
    if (options) {
      const store = sealed(inner, options)
      const anywhere = ['creds', 'lid-mapping/written-0', 'lid-mapping/none']
      for (const name of anywhere) await expect(store.read(scope, [name])).rejects.toMatchObject({ code })
      await expect(store.write(scope, [{ name: 'creds', value: '{}' }])).rejects.toMatchObject({ code })
      await expect(recordsOf(store)).rejects.toMatchObject({ code })
    }
    await run(inner, hidden({ k1 }), written)
  }
})

test.each<[string, SealedOptions | undefined, string]>([
  ['the key is another one under the same id', plain({ k1: k2 }), 'RECORD_CORRUPT'],
  ['the key is gone', plain({ k2 }), 'SEAL_KEY_MISSING'],
  ['a passphrase stands in the place of the key', plain({ k1: passphrase }), 'RECORD_CORRUPT'],
  ['the store is not sealed any more', undefined, 'SEAL_KEY_MISSING'],
])('a sealed session refuses to open when %s', async (_, options, code) => {
  const inner = memoryStore()
  const written = await runAll(inner, [plain({ k1 })])
  await expect(open(inner, options)).rejects.toMatchObject({ code })
  await run(inner, plain({ k1 }), written)
})

test('hiding that was turned off, by a process that is open already, is refused at its next read', async () => {
  const inner = memoryStore()
  const before = sealed(inner, plain({ k1 }))
  await before.write(scope, [
    { name: '!fence', value: 'before' },
    { name: 'creds', value: '{}' },
  ])
  expect(await before.read(scope, ['creds'])).toEqual(['{}'])
  await sealed(inner, hidden({ k1 })).write(scope, [
    { name: '!fence', value: 'after' },
    { name: 'creds', value: '{"a":1}' },
  ])
  await expect(before.read(scope, ['creds'])).rejects.toMatchObject({ code: 'STORE_UNUSABLE' })
  expect(await before.read(scope, ['!fence'])).toEqual(['after'])
  const guards = [{ name: '!fence', value: 'before' }]
  await expect(before.write(scope, [{ name: 'creds', value: '{}' }], guards)).rejects.toMatchObject({
    code: 'STORE_UNUSABLE',
  })
})

test('of two first writers who make two salts, the second takes the first one’s', async () => {
  const inner = memoryStore()
  const options = hidden({ late: 'another passphrase' })
  const stores = Array.from({ length: 4 }, () => sealed(inner, options))
  const landed = await Promise.all(
    stores.map((store, at) => store.write(scope, [{ name: `session/${at}`, value: `"${at}"` }])),
  )
  expect(landed).toEqual([true, true, true, true])
  const names = stores.map((_, at) => `session/${at}`)
  for (const store of stores) expect(await store.read(scope, names)).toEqual(['"0"', '"1"', '"2"', '"3"'])
})

test('a writer without a guard does not write under names that nobody looks for any more', async () => {
  const inner = memoryStore()
  const [late, other] = [sealed(inner, plain({ k1 })), sealed(inner, hidden({ k2, k1 }))]
  await late.write(scope, [{ name: 'session/a', value: '"a"' }])
  await other.write(scope, [{ name: 'session/b', value: '"b"' }])
  await expect(late.write(scope, [{ name: 'session/a', value: '"late"' }])).rejects.toMatchObject({
    code: 'STORE_UNUSABLE',
  })
  expect(await other.read(scope, ['session/a', 'session/b'])).toEqual(['"a"', '"b"'])
})

/** Lets an owner write once more in the moment before somebody takes the session from it. */
function beforeTakeOver(inner: Store, last: () => Promise<unknown>): Store {
  let isDone = false
  return {
    ...passThrough(inner),
    async write(of, changes, guards) {
      if (!isDone && changes.some(({ value }) => value === 'new')) {
        isDone = true
        expect(await last()).toBe(true)
      }
      return inner.write(of, changes, guards)
    },
  }
}

const mine = [{ name: '!fence', value: 'old' }]
const late = [{ name: 'session/late', value: '"late"' }]

test('a record that a plain owner writes while hiding is turned on is found', async () => {
  const inner = memoryStore()
  const owner = sealed(inner, plain({ k1 }))
  await owner.write(scope, mine)
  const watched = beforeTakeOver(inner, () => owner.write(scope, late, mine))
  const next = sealed(watched, hidden({ k1 }))
  expect(await next.write(scope, [{ name: '!fence', value: 'new' }], mine)).toBe(true)
  expect(await next.read(scope, ['session/late'])).toEqual(['"late"'])
  expect(await owner.write(scope, late, mine)).toBe(false)
})

test('a record that an owner hides under the old key, while who takes over does without it, is not absent', async () => {
  const inner = memoryStore()
  const owner = sealed(inner, hidden({ k1, k2 }))
  await owner.write(scope, [...mine, ...late])
  await sealed(inner, hidden({ k2, k1 })).write(scope, late, mine)
  const watched = beforeTakeOver(inner, () => owner.write(scope, late, mine))
  const next = sealed(watched, hidden({ k2 }))
  expect(await next.write(scope, [{ name: '!fence', value: 'new' }], mine)).toBe(true)
  await expect(next.read(scope, ['session/late'])).rejects.toMatchObject({ code: 'SEAL_KEY_MISSING' })
})

test('a write leaves one copy of a record, under its newest name, and a removal none', async () => {
  const inner = memoryStore()
  await inner.write(scope, [{ name: 'session/a', value: '"raw"' }])
  await sealed(inner, hidden({ k1 })).write(scope, [{ name: 'session/a', value: '"one"' }])
  const rotated = sealed(inner, hidden({ k2, k1 }))
  expect(await rotated.read(scope, ['session/a'])).toEqual(['"one"'])
  await rotated.write(scope, [{ name: 'session/a', value: '"two"' }])
  const names = Array.from((await recordsOf(inner)).keys()).filter(name => name !== '!seal')
  expect(names).toEqual([expect.stringMatching(/^hidden\/k2\/[0-9a-f]{64}$/)])
  const back = sealed(inner, hidden({ k1, k2 }))
  await back.write(scope, [{ name: 'session/a', value: undefined }])
  expect(Array.from((await recordsOf(inner)).keys())).toEqual(['!seal'])
})

test('the old key can go when the last record was written anew, and not before', async () => {
  const inner = memoryStore()
  await runAll(inner, [hidden({ k1 })])
  const both = sealed(inner, hidden({ k2, k1 }))
  await both.write(scope, [{ name: 'creds', value: (await both.read(scope, ['creds']))[0] ?? '' }])
  await expect(open(inner, hidden({ k2 }))).rejects.toMatchObject({ code: 'SEAL_KEY_MISSING' })
  const rest = await recordsOf(both)
  for (const [name, value] of rest) if (!name.startsWith('!')) await both.write(scope, [{ name, value }])
  await run(inner, hidden({ k2 }), ['written-0'])
  expect((await recordsOf(inner)).get('!seal')).not.toContain('k1')
})

test('a session that was plain is asked for by plain names no longer, once its last one is hidden', async () => {
  const inner = memoryStore()
  await runAll(inner, [undefined, hidden({ k1 })])
  const store = sealed(inner, hidden({ k1 }))
  for (const [name, value] of await recordsOf(store))
    if (!name.startsWith('!')) await store.write(scope, [{ name, value }])
  const asked = recordingStore(inner)
  await run(asked, hidden({ k1 }), ['written-0', 'written-1'])
  const names = asked.batches.flatMap(({ changes }) => changes.map(({ name }) => name))
  expect(names.length).toBeGreaterThan(0)
  expect(names.filter(name => !/^(hidden\/k1\/[0-9a-f]{64}|!seal)$/.test(name))).toEqual([])
})

test.each([plain({ k1 }), hidden({ k1 }), hidden({ home: passphrase })])(
  'after the first time a session is opened, the store has as many round trips as without sealing',
  async options => {
    const trips = async (inner: Store, sealing: SealedOptions | undefined) => {
      const counting = countingStore(inner)
      return await counting.during(async () => {
        const auth = await open(counting, sealing)
        await auth.state.keys.get('lid-mapping', ['written-0', 'none'])
        await auth.state.keys.set({ 'lid-mapping': { 'written-0': 'again' } })
        await auth.close()
      })
    }
    const [raw, closed] = [memoryStore(), memoryStore()]
    await runAll(raw, [undefined])
    await runAll(closed, [options])
    const [expected, actual] = [await trips(raw, undefined), await trips(closed, options)]
    expect([actual.reads, actual.writes, actual.lists]).toEqual([
      expected.reads,
      expected.writes,
      expected.lists,
    ])
  },
)

test('a `!seal` that was damaged is an error, or what it says is found from the records', async () => {
  const inner = memoryStore()
  const written = await runAll(inner, [hidden({ k1 })])
  const seal = (await recordsOf(inner)).get('!seal') ?? ''
  for (let at = 0; at < seal.length; at++) {
    const value = `${seal.slice(0, at)}${seal[at] === '0' ? '1' : '0'}${seal.slice(at + 1)}`
    await inner.write(scope, [{ name: '!seal', value }])
    const store = sealed(inner, hidden({ k1 }))
    const [read] = await Promise.allSettled([store.read(scope, ['lid-mapping/written-0'])])
    if (read?.status === 'fulfilled') expect(read.value).toEqual(['"value written-0"'])
    else expect(['RECORD_CORRUPT', 'SCHEMA_NEWER', 'SEAL_KEY_MISSING']).toContain(read?.reason.code)
  }
  await inner.write(scope, [{ name: '!seal', value: undefined }])
  await run(inner, hidden({ k1 }), written)
  expect((await recordsOf(inner)).get('!seal')).toBe(seal)
})

test('where a copy brought an older text back under the old key’s name, the newer key’s counts', async () => {
  const inner = memoryStore()
  await sealed(inner, hidden({ k1 })).write(scope, [{ name: 'session/a', value: '"old"' }])
  const old = Array.from(await recordsOf(inner)).filter(([name]) => name !== '!seal')
  const rotated = sealed(inner, hidden({ k2, k1 }))
  await rotated.write(scope, [{ name: 'session/a', value: '"new"' }])
  for (const [name, value] of old) await inner.write(scope, [{ name, value }])
  expect(await rotated.read(scope, ['session/a'])).toEqual(['"new"'])
})
