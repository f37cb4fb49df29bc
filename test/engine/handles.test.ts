import * as baileys from '@whiskeysockets/baileys'
import { useMemoryAuthState } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { countingStore } from '../suite/counting-store.ts'
import { failingStore } from '../suite/failing-store.ts'
import { passThrough } from '../suite/pass-through.ts'
import { sharedStore } from './shared-store/shared-store.ts'
import { isBatch, isFenceRead, isFenceWrite, SharedStoreServer } from './shared-store/shared-store-server.ts'
import {
  aborted,
  fenceOf,
  hasSettled,
  open,
  pick,
  put,
  rejection,
  scope,
  stored,
  until,
} from './support/auth.ts'

test('rule 10: every handle of a session in one process has the one live creds object', async () => {
  const store = memoryStore()
  const first = await open(store)
  const second = await open(store)
  expect(second.state.creds).toBe(first.state.creds)
  first.state.creds.nextPreKeyId = 7
  await second.saveCreds()
  expect(second.state.creds.nextPreKeyId).toBe(7)
  await second.close()
  expect((await open(store)).state.creds.nextPreKeyId).toBe(7)
})

test('rule 10: the first change through a newer handle retires the older ones, whose reads go on', async () => {
  const store = memoryStore()
  const [first, second, third] = [await open(store), await open(store), await open(store)]
  await put(first, { a: '1' })
  expect(await pick(third, 'a')).toBe('1')
  await put(first, { a: '2' })
  await put(second, { a: '3' })
  expect(await rejection(put(first, { a: 'late' }))).toMatchObject({ code: 'SESSION_CLOSED' })
  expect(await rejection(first.saveCreds())).toMatchObject({ code: 'SESSION_CLOSED' })
  expect(await rejection(first.state.keys.clear?.() ?? Promise.resolve())).toMatchObject({
    code: 'SESSION_CLOSED',
  })
  expect(await rejection(first.remove())).toMatchObject({ code: 'SESSION_CLOSED' })
  expect(await pick(first, 'a')).toBe('3')
  expect(first.signal.aborted).toBe(false)
  await third.saveCreds()
  expect(await rejection(put(second, { a: 'late' }))).toMatchObject({ code: 'SESSION_CLOSED' })
  await third.close()
  expect(await stored(store, 'a')).toBe('3')
})

test('rule 10: closing an older handle only lands what is pending; closing the newest closes the session', async () => {
  const store = memoryStore()
  const [first, second] = [await open(store), await open(store)]
  const pending = put(first, { a: '1' })
  await first.close()
  expect(await hasSettled(pending)).toBe(true)
  expect(await stored(store, 'a')).toBe('1')
  expect((await fenceOf(store))?.released).toBeUndefined()
  await put(second, { a: '2' })
  await second.close()
  expect((await fenceOf(store))?.released).toBe(true)
  expect(await aborted(first)).toBe('SESSION_CLOSED')
  for (const auth of [first, second]) {
    expect(await rejection(put(auth, { a: '3' }))).toMatchObject({ code: 'SESSION_CLOSED' })
    expect(await rejection(pick(auth, 'a'))).toMatchObject({ code: 'SESSION_CLOSED' })
    await auth.close()
  }
})

test('rule 10: other options of a later call are warned of, once a call, and the same ones are not', async () => {
  const store = memoryStore()
  const warnings: string[] = []
  const log = (details: unknown, message?: string) => warnings.push(`${Object(details).code}: ${message}`)
  const logger = { debug: log, info: log, warn: log, error: log }
  const options = { lease: { ttlMs: 5_000 }, cache: { maxBytes: 1_000 }, logger }
  await open(store, options)
  await open(store, options)
  expect(warnings).toEqual([])
  const last = await open(store, { logger, retry: { forMs: 1_000 } })
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toMatch(/^OPTIONS_IGNORED: .*lease\.ttlMs, retry\.forMs, cache\.maxBytes/)
  await last.close()
})

test('rule 10: after remove() the old state rejects for ever, and opening again makes a new identity', async () => {
  const store = memoryStore()
  const [first, second] = [await open(store), await open(store)]
  await put(second, { a: '1' })
  const identity = second.state.creds.advSecretKey
  await second.remove()
  await second.remove()
  const anew = await open(store)
  expect(anew.state.creds.advSecretKey).not.toBe(identity)
  expect(await pick(anew, 'a')).toBeNull()
  await anew.saveCreds()
  for (const auth of [first, second]) {
    expect(auth.signal.reason).toMatchObject({ code: 'SESSION_REMOVED' })
    for (const late of [put(auth, { a: 'late' }), auth.saveCreds(), pick(auth, 'a'), auth.flush()])
      expect(await rejection(late)).toMatchObject({ code: 'SESSION_REMOVED' })
    await auth.close()
  }
  expect(await stored(store, 'a')).toBeUndefined()
  await anew.close()
})

test('a session that begins to close while another call opens it is opened anew', async () => {
  await using server = await SharedStoreServer.start()
  const store = sharedStore(server.url)
  const first = await open(store)
  await put(first, { a: '1' })
  const look = server.hold(isFenceRead, 1)
  const opening = open(store)
  await look.waiting()
  const closing = first.close()
  await look.deliver()
  const [second] = await Promise.all([opening, closing])
  expect(first.signal.aborted).toBe(true)
  await put(second, { a: '2' })
  await second.close()
})

test('close() during a removal waits for it, and the session is removed', async () => {
  await using server = await SharedStoreServer.start()
  const auth = await open(sharedStore(server.url))
  await put(auth, { a: '1' })
  const removal = server.hold(({ method }) => method === 'remove', 1)
  const removing = auth.remove()
  await removal.waiting()
  const closing = auth.close()
  await removal.deliver()
  await Promise.all([removing, closing])
  expect(auth.signal.reason).toMatchObject({ code: 'SESSION_REMOVED' })
  expect(await server.data.read(scope, ['creds'])).toEqual([undefined])
})

test('a removal that had no answer is done when it is found done, also beside a batch without an answer', async () => {
  await using server = await SharedStoreServer.start()
  const auth = await open(sharedStore(server.url))
  await put(auth, { a: '1' })
  const stalled = server.hold(isBatch, 1)
  const late = rejection(put(auth, { a: '2' }))
  await stalled.waiting()
  server.loseAnswer(({ method }) => method === 'remove')
  await auth.remove()
  expect(await late).toMatchObject({ code: 'SESSION_REMOVED' })
  expect(await stalled.deliver()).toBe(false)
  expect(await server.data.read(scope, ['creds'])).toEqual([undefined])
})

test('a token that changes during a removal does not pass for a removal', async () => {
  await using server = await SharedStoreServer.start()
  const auth = await open(sharedStore(server.url), { retry: { forMs: 6_000 } })
  await put(auth, { a: '1' })
  const stalled = server.hold(isBatch, 1)
  const late = rejection(put(auth, { a: '2' }))
  await stalled.waiting()
  // The removal is under way with the old token when the batch gets no answer, and a read settles that.
  await new Promise(resolve => setTimeout(resolve, 1_500))
  const removal = server.hold(({ method }) => method === 'remove', 1)
  const removing = auth.remove()
  await removal.waiting()
  const before = server.count(isFenceWrite)
  await until(async () => {
    await pick(auth, `${server.calls.length}`)
    return server.count(isFenceWrite) > before
  })
  expect(await removal.deliver()).toBe(false)
  await removing
  await late
  expect(await server.data.read(scope, ['creds', 'lid-mapping/a'])).toEqual([undefined, undefined])
})

test('a removal that failed can be repeated, and opening instead gives what is there', async () => {
  const store = failingStore(memoryStore())
  const auth = await open(store, { retry: { forMs: 100 } })
  await put(auth, { a: '1' })
  store.fail('remove')
  expect(await rejection(auth.remove())).toMatchObject({ code: 'WRITE_FAILED' })
  expect(await rejection(put(auth, { a: '2' }))).toMatchObject({ code: 'SESSION_REMOVED' })
  const again = await open(store, { retry: { forMs: 100 } })
  expect(await pick(again, 'a')).toBe('1')
  await put(again, { a: '2' })
  expect(await rejection(again.remove())).toMatchObject({ code: 'WRITE_FAILED' })
  store.mend()
  await again.remove()
  expect(await store.read(scope, ['creds'])).toEqual([undefined])
})

test('rule 11: a session that was removed from outside is opened anew, and its old engine writes nothing more', async () => {
  const store = countingStore(memoryStore())
  const old = await open(store)
  await put(old, { a: '1' })
  await old.saveCreds()
  await store.remove(scope)
  const anew = await open(store)
  expect(old.signal.reason).toMatchObject({ code: 'SESSION_REMOVED' })
  expect(anew.state.creds.advSecretKey).not.toBe(old.state.creds.advSecretKey)
  const counts = await store.during(async () => {
    for (const late of [put(old, { a: 'late' }), old.saveCreds(), pick(old, 'a')])
      expect(await rejection(late)).toMatchObject({ code: 'SESSION_REMOVED' })
    await old.close()
  })
  expect(counts.writes).toBe(0)
  await put(anew, { b: '2' })
  expect(await pick(anew, 'a')).toBeNull()
  expect(await stored(store, 'a')).toBeUndefined()
  await anew.close()
})

test('rule 11: a write to a session that was removed from outside does not bring it back', async () => {
  const store = memoryStore()
  const auth = await open(store)
  await put(auth, { a: '1' })
  await store.remove(scope)
  auth.state.creds.nextPreKeyId += 1
  const late = [put(auth, { a: '2' }), auth.saveCreds()]
  for (const one of late) expect(await rejection(one)).toMatchObject({ code: 'SESSION_REMOVED' })
  for await (const page of store.list(scope)) expect(page).toEqual([])
})

test('a session in memory is nobody else’s', async () => {
  const first = await useMemoryAuthState({ baileys, logger: false })
  const second = await useMemoryAuthState({ baileys, logger: false })
  expect(second.state.creds).not.toBe(first.state.creds)
  await Promise.all([first.close(), second.close()])
})

test('close() gives the lease back also when one call could not land, and still lands the others', async () => {
  const memory = memoryStore()
  const refused = new Error('too large')
  const store = {
    ...passThrough(memory),
    isPermanent: (error: unknown) => error === refused,
    write: async (...args: Parameters<typeof memory.write>) => {
      if (args[1].some(({ name }) => name.endsWith('/bad'))) throw refused
      return memory.write(...args)
    },
  }
  const auth = await open(store)
  const bad = rejection(put(auth, { bad: 'x' }))
  const good = put(auth, { good: 'x' })
  expect(await rejection(auth.close())).toMatchObject({ code: 'WRITE_FAILED' })
  expect(await bad).toMatchObject({ code: 'WRITE_FAILED' })
  await good
  expect(await stored(memory, 'good')).toBe('x')
  expect((await fenceOf(memory))?.released).toBe(true)
})

test('await using closes a session at the end of its block', async () => {
  const store = memoryStore()
  {
    await using auth = await open(store)
    void put(auth, { a: '1' })
  }
  expect(await stored(store, 'a')).toBe('1')
  expect((await fenceOf(store))?.released).toBe(true)
})
