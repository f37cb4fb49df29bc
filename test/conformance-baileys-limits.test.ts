import * as baileys7 from '@whiskeysockets/baileys'
import * as baileys6 from 'baileys-6'
import { type AuthState, memoryStore, useAuthState } from '../src/index.ts'
import type { Store } from '../src/store.ts'
import { delayingStore, type FailingStore, failingStore, recordingStore } from './suite/index.ts'

/*
 * What Baileys' own wrappers make of promises 2, 4, 5 and 6: documented here because no auth state under them can
 * help it. When one of these cases fails, a release of Baileys has mended its wrapper: widen
 * conformance-baileys.test.ts, and say so in the README.
 */

type SignalKeyStore = baileys7.SignalKeyStore

const silent = {
  level: 'silent',
  child: () => silent,
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
}

const commits = { maxCommitRetries: 1, delayBetweenTriesMs: 1 }
const [old, fresh] = [Buffer.from('old'), Buffer.from('new')]

const caching = [
  [
    "Baileys 7's makeCacheableSignalKeyStore",
    (keys: SignalKeyStore) => baileys7.makeCacheableSignalKeyStore(keys, silent),
  ],
  ["Baileys 6.7's makeCacheableSignalKeyStore", (keys: SignalKeyStore) => caching6(keys)],
] as const

let store: FailingStore
let auth: AuthState

beforeEach(async () => {
  store = failingStore(memoryStore())
  auth = await opened({ ...store, isPermanent: () => true })
})

afterEach(() => auth.close())

describe.each(caching)('%s', (_, wrap) => {
  test('serves a value whose set failed, which our own keys never do (promise 4)', async () => {
    const keys = wrap(auth.state.keys)
    await keys.set({ session: { a: old } })
    store.fail('write')
    await expect(keys.set({ session: { a: fresh } })).rejects.toThrow()
    store.mend()
    expect((await keys.get('session', ['a'])).a).toEqual(fresh)
    expect((await auth.state.keys.get('session', ['a'])).a).toEqual(old)
  })

  test('hands every reader the same object, and shares the one that was set (promise 5)', async () => {
    const keys = wrap(auth.state.keys)
    const mine = Buffer.from('mine')
    await keys.set({ session: { a: mine } })
    const [left, right] = await Promise.all([keys.get('session', ['a']), keys.get('session', ['a'])])
    expect(left.a).toBe(mine)
    expect(right.a).toBe(mine)
    const own = await Promise.all([
      auth.state.keys.get('session', ['a']),
      auth.state.keys.get('session', ['a']),
    ])
    expect(own[0].a).not.toBe(own[1].a)
    expect(own[0].a).toEqual(mine)
  })

  test('leaves the id of an absent record out, and asks for it again each time (promise 6)', async () => {
    const counted = countedKeys(auth.state.keys)
    const keys = wrap(counted)
    for (let time = 1; time <= 3; time++) {
      expect(await keys.get('session', ['none'])).toEqual({})
      expect(counted.gets).toBe(time)
    }
    expect(await auth.state.keys.get('session', ['none'])).toEqual({ none: null })
  })
})

test("Baileys 6.7's makeCacheableSignalKeyStore serves a value before it is in the store (promise 4)", async () => {
  const held = delayingStore(memoryStore())
  const own = await opened(held)
  await own.saveCreds()
  const keys = caching6(own.state.keys)
  held.hold('write')
  const set = Promise.resolve(keys.set({ session: { a: fresh } }))
  await held.waiting('write')
  expect(await hasSettled(Promise.resolve(keys.get('session', ['a'])))).toBe(true)
  expect(await hasSettled(own.state.keys.get('session', ['a']))).toBe(false)
  held.release('write')
  await set
  await own.close()
})

test("Baileys 7's makeCacheableSignalKeyStore holds up every read while a set is under way, our own keys none but of its records", async () => {
  const held = delayingStore(memoryStore())
  const own = await opened(held)
  await own.state.keys.set({ session: { other: old } })
  const keys = baileys7.makeCacheableSignalKeyStore(own.state.keys, silent)
  held.hold('write')
  const set = Promise.resolve(keys.set({ session: { a: fresh } }))
  await held.waiting('write')
  expect(await hasSettled(Promise.resolve(keys.get('session', ['other'])))).toBe(false)
  expect(await hasSettled(own.state.keys.get('session', ['other']))).toBe(true)
  held.release('write')
  await set
  await own.close()
})

describe("Baileys 7's addTransactionCapability", () => {
  test('leaves the id of an absent record out inside a transaction, and asks for it once (promise 6)', async () => {
    const counted = countedKeys(auth.state.keys)
    const keys = baileys7.addTransactionCapability(counted, silent, commits)
    await keys.transaction(async () => {
      for (let time = 0; time < 3; time++) expect(await keys.get('session', ['none'])).toEqual({})
    }, 'a')
    expect(counted.gets).toBe(1)
  })

  test('hands every reader in a transaction the same object (promise 5)', async () => {
    await auth.state.keys.set({ session: { a: old } })
    const keys = baileys7.addTransactionCapability(auth.state.keys, silent, commits)
    await keys.transaction(async () => {
      const [left, right] = [await keys.get('session', ['a']), await keys.get('session', ['a'])]
      expect(left.a).toBe(right.a)
    }, 'a')
  })

  test('makes one set a type of what is set outside a transaction (promise 2)', async () => {
    const counted = countedKeys(auth.state.keys)
    const keys = baileys7.addTransactionCapability(counted, silent, commits)
    await keys.set({ session: { a: old }, 'sender-key': { g: old } })
    expect(counted.sets).toBe(2)
  })

  test('makes one set, and we one batch, of a transaction (promise 2)', async () => {
    const recording = recordingStore(memoryStore())
    const own = await opened(recording)
    await own.saveCreds()
    const keys = baileys7.addTransactionCapability(own.state.keys, silent, commits)
    const before = recording.batches.length
    await keys.transaction(async () => {
      await keys.set({ session: { a: old } })
      await keys.set({ 'sender-key': { g: old } })
      await keys.set({ session: { b: old } })
    }, 'a')
    expect(recording.batches.slice(before).map(batch => batch.changes.length)).toEqual([3])
    await own.close()
  })
})

describe("Baileys 6.7's addTransactionCapability", () => {
  test('resolves a transaction whose commit failed (promise 1)', async () => {
    const keys = transactions6(auth.state.keys)
    store.fail('write')
    await keys.transaction(async () => keys.set({ session: { a: fresh } }))
    store.mend()
    expect(await auth.state.keys.get('session', ['a'])).toEqual({ a: null })
  })

  test('loses a transaction that begins while another one is being committed (promise 1)', async () => {
    const held = delayingStore(memoryStore())
    const own = await opened(held)
    await own.saveCreds()
    const keys = transactions6(own.state.keys)
    held.hold('write')
    const first = keys.transaction(async () => keys.set({ session: { a: fresh } }))
    await held.waiting('write')
    await keys.transaction(async () => keys.set({ session: { b: fresh } }))
    held.release('write')
    await first
    expect(await own.state.keys.get('session', ['a', 'b'])).toEqual({ a: fresh, b: null })
    await own.close()
  })
})

function opened(on: Store): Promise<AuthState> {
  return useAuthState(on, { session: 'limits', logger: false, baileys: baileys7, retry: { forMs: 1000 } })
}

function countedKeys(keys: SignalKeyStore): SignalKeyStore & { gets: number; sets: number } {
  const counted = {
    gets: 0,
    sets: 0,
    get: ((type, ids) => {
      counted.gets++
      return keys.get(type, ids)
    }) satisfies SignalKeyStore['get'],
    set: (data: baileys7.SignalDataSet) => {
      counted.sets++
      return keys.set(data)
    },
  }
  return counted
}

async function hasSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const settle = (): void => {
    settled = true
  }
  promise.then(settle, settle)
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
  return settled
}

function caching6(keys: SignalKeyStore): SignalKeyStore {
  // 6.7 types fewer kinds of keys; at run time it takes any.
  return baileys6.makeCacheableSignalKeyStore(keys as baileys6.SignalKeyStore, silent) as SignalKeyStore
}

function transactions6(keys: SignalKeyStore): baileys6.SignalKeyStoreWithTransaction {
  return baileys6.addTransactionCapability(keys as baileys6.SignalKeyStore, silent, commits)
}
