import { recordName } from '../../src/names.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { countingStore } from '../suite/counting-store.ts'
import { delayingStore } from '../suite/delaying-store.ts'
import { passThrough } from '../suite/pass-through.ts'
import { recordingStore } from '../suite/recording-store.ts'
import { permanentCode, sharedStore } from './shared-store/shared-store.ts'
import { isBatch, isFenceWrite, isRead, SharedStoreServer } from './shared-store/shared-store-server.ts'
import { hasSettled, nameOf, open, pick, put, rejection, scope, stored, until } from './support/auth.ts'
import { lateReads } from './support/late-reads.ts'

test('rule 12: the first batch of a session without stored creds carries them, also when nobody saves', async () => {
  const store = recordingStore(memoryStore())
  const auth = await open(store)
  await put(auth, { a: '1' })
  await put(auth, { b: '2' })
  const names = store.batches.map(({ changes }) => changes.map(({ name }) => name))
  expect(names).toEqual([[nameOf('a'), 'creds'], [nameOf('b')]])
  await auth.close()
  expect((await open(store)).state.creds.registrationId).toBe(auth.state.creds.registrationId)
})

test('rule 12: creds and keys that change in one turn of the event loop land in one write, whatever awaits lie between', async () => {
  const store = recordingStore(memoryStore())
  const auth = await open(store)
  await auth.saveCreds()
  const landed = [put(auth, { a: '1' })]
  await Promise.resolve()
  auth.state.creds.nextPreKeyId = 31
  landed.push(auth.saveCreds())
  await new Promise(resolve => process.nextTick(resolve))
  landed.push(put(auth, { a: '2', b: '1' }))
  await Promise.all(landed)
  expect(store.batches).toHaveLength(2)
  const last = store.batches[1]?.changes ?? []
  expect(last.map(({ name }) => name)).toEqual([nameOf('a'), 'creds', nameOf('b')])
  expect(last[0]?.value).toBe('"2"')
  await auth.close()
})

test('a batch does not wait for what else the event loop has to do', async () => {
  const store = recordingStore(memoryStore())
  const auth = await open(store)
  await auth.saveCreds()
  await new Promise(resolve => setImmediate(resolve))
  let hasTurned = false
  setImmediate(() => {
    hasTurned = true
  })
  await put(auth, { a: '1' })
  expect(hasTurned).toBe(false)
  expect(store.batches).toHaveLength(2)
  await auth.close()
})

test('records set one after another leave timers and sockets their turns, also on a store that never waits', async () => {
  const auth = await open(memoryStore())
  await auth.saveCreds()
  let hasTurned = false
  setImmediate(() => {
    hasTurned = true
  })
  const giveUpAt = performance.now() + 1_000
  for (let value = 1; !hasTurned && performance.now() < giveUpAt; value++) await put(auth, { a: `${value}` })
  expect(hasTurned).toBe(true)
  await auth.close()
})

test('rule 12: creds that would make the first batch too large for the store land before it', async () => {
  await using server = await SharedStoreServer.start()
  const auth = await open(sharedStore(server.url, { limits: { batchBytes: 3_000 } }))
  await put(auth, { a: 'x'.repeat(2_900) })
  const names = server.calls.filter(isBatch).map(({ changes = [] }) => changes.map(({ name }) => name))
  expect(names).toEqual([['creds'], [nameOf('a')]])
  await auth.close()
})

test('while a batch is in flight, later changes gather into one', async () => {
  const delaying = delayingStore(memoryStore())
  const store = recordingStore(delaying)
  const auth = await open(store)
  await auth.saveCreds()
  delaying.hold('write')
  const first = put(auth, { a: '0' })
  await delaying.waiting('write')
  const later = Array.from({ length: 50 }, async (_, index) => {
    await new Promise(resolve => setImmediate(resolve))
    await put(auth, { a: `${index}`, [`b${index}`]: 'x' })
  })
  await new Promise(resolve => setTimeout(resolve, 20))
  delaying.release('write')
  await Promise.all([first, ...later])
  expect(store.batches).toHaveLength(3)
  expect(await pick(auth, 'a')).toBe('49')
  await auth.close()
})

test('rule 13: a read of a record whose change is queued or in flight waits for it; other reads do not', async () => {
  const store = delayingStore(memoryStore())
  const auth = await open(store)
  await put(auth, { a: '0', b: '0' })
  store.hold('write')
  const first = put(auth, { a: '1' })
  const whileQueued = pick(auth, 'a')
  expect(await pick(auth, 'b')).toBe('0')
  await store.waiting('write')
  const whileInFlight = pick(auth, 'a')
  const second = put(auth, { a: '2' })
  const whileSecondIsQueued = pick(auth, 'a')
  expect(await hasSettled(Promise.race([whileQueued, whileInFlight, whileSecondIsQueued]))).toBe(false)
  await store.releaseOne('write')
  await first
  expect(await hasSettled(whileSecondIsQueued)).toBe(false)
  store.release('write')
  await second
  expect([await whileQueued, await whileInFlight, await whileSecondIsQueued]).toEqual(['1', '1', '2'])
  await auth.close()
})

test('rule 13: a read that began before a change does not bring the old value into the cache', async () => {
  const memory = memoryStore()
  const first = await open(memory)
  await put(first, { a: '0' })
  await first.close()
  const store = lateReads(memory)
  const auth = await open(store)
  store.hold()
  const early = pick(auth, 'a')
  await put(auth, { a: '1' })
  store.release()
  expect(await early).toBe('0')
  expect(await pick(auth, 'a')).toBe('1')
  await auth.close()
})

test('rule 13: what is read between a failed change and the next does not stay in the cache over the latter', async () => {
  const memory = memoryStore()
  const late = lateReads(memory)
  const refused = new Error('refused')
  let refuse: (() => void) | undefined
  let isRefusing = false
  const store = {
    ...passThrough(late),
    isPermanent: (error: unknown) => error === refused,
    async write(...[of, changes, guards]: Parameters<typeof memory.write>) {
      if (!isRefusing) return memory.write(of, changes, guards)
      isRefusing = false
      await new Promise<void>(resolve => {
        refuse = resolve
      })
      throw refused
    },
  }
  const auth = await open(store)
  await auth.saveCreds()
  isRefusing = true
  late.hold()
  const first = rejection(put(auth, { a: '1' }))
  await until(() => refuse !== undefined)
  const early = pick(auth, 'a')
  const second = put(auth, { a: '2' })
  refuse?.()
  await first
  await second
  await hasSettled(early)
  late.release()
  expect(await early).toBe('2')
  expect(await pick(auth, 'a')).toBe('2')
  await auth.close()
})

test('rule 13: a batch that failed for good changes nothing in the cache', async () => {
  await using server = await SharedStoreServer.start()
  const auth = await open(sharedStore(server.url))
  await put(auth, { a: '0' })
  server.refuse(isBatch, permanentCode, 1)
  expect(await rejection(put(auth, { a: '1', b: '1' }))).toMatchObject({ code: 'WRITE_FAILED' })
  const reads = await server.during(isRead, async () => expect(await pick(auth, 'a')).toBe('0'))
  expect(reads).toBe(0)
  expect(await pick(auth, 'b')).toBeNull()
  await auth.close()
})

test('rule 13: a batch whose outcome is unknown drops its records from the cache, and a read asks the store', async () => {
  await using server = await SharedStoreServer.start()
  const auth = await open(sharedStore(server.url), { retry: { forMs: 1_000 } })
  await put(auth, { a: '0' })
  // It lands; the caller hears only that nobody knows.
  server.loseAnswer(isBatch)
  const away = server.refuse(isFenceWrite, 'ECONNREFUSED')
  expect(await rejection(put(auth, { a: '1' }))).toMatchObject({ code: 'WRITE_FAILED' })
  away.undo()
  const reads = await server.during(isRead, async () => expect(await pick(auth, 'a')).toBe('1'))
  expect(reads).toBe(1)
  await auth.close()
})

test('rule 17: reads are split by what the store takes at once, and each tick’s reads share them', async () => {
  await using server = await SharedStoreServer.start()
  const auth = await open(sharedStore(server.url, { limits: { readNames: 10 } }))
  const ids = Array.from({ length: 25 }, (_, index) => `${index}`)
  server.calls.length = 0
  await Promise.all([
    auth.state.keys.get('lid-mapping', ids.slice(0, 20)),
    auth.state.keys.get('lid-mapping', ids.slice(10)),
  ])
  expect(server.calls.filter(isRead).map(({ names = [] }) => names.length)).toEqual([10, 10, 5])
  await auth.close()
})

test('rule 17: a change that is larger than the store takes is refused before it is sent, and harms nothing else', async () => {
  await using server = await SharedStoreServer.start()
  const auth = await open(sharedStore(server.url, { limits: { batchBytes: 5_000 } }))
  const calls = [put(auth, { a: '1' }), put(auth, { big: 'x'.repeat(6_000) }), put(auth, { b: '1' })]
  const { code, message } = await rejection(calls[1] ?? Promise.resolve())
  expect(code).toBe('BATCH_TOO_LARGE')
  expect(message).toContain('5000')
  await Promise.all([calls[0], calls[2]])
  expect(auth.signal.aborted).toBe(false)
  expect([await stored(server.data, 'a'), await stored(server.data, 'b')]).toEqual(['1', '1'])
  await auth.close()
})

test('rule 17: calls that are too large together land in several batches, in order', async () => {
  await using server = await SharedStoreServer.start()
  const auth = await open(sharedStore(server.url, { limits: { batchBytes: 5_000 } }))
  await auth.saveCreds()
  server.calls.length = 0
  await Promise.all([1, 2, 3, 4, 5].map(turn => put(auth, { a: `${turn}`, [`b${turn}`]: 'x'.repeat(2_000) })))
  expect(server.count(isBatch)).toBe(3)
  expect(await stored(server.data, 'a')).toBe('5')
  await auth.close()
})

test('rule 17: clear() removes every key in batches that the store takes, and leaves the creds', async () => {
  await using server = await SharedStoreServer.start()
  const auth = await open(sharedStore(server.url, { limits: { batchBytes: 3_000 } }))
  for (let index = 0; index < 40; index++) await put(auth, { [`${index}`.padStart(100, 'x')]: 'x' })
  server.calls.length = 0
  await auth.state.keys.clear?.()
  expect(server.count(isBatch)).toBeGreaterThan(1)
  for await (const page of server.data.list(scope))
    expect(page.map(({ name }) => name).sort()).toEqual(['!fence', 'creds'])
  await auth.close()
})

test('rule 17: a listing that breaks off begins again, gives each record once, and closes what it leaves', async () => {
  const memory = memoryStore()
  const auth = await open(memory)
  await put(auth, Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`${index}`, 'x'])))
  await auth.close()
  let begun = 0
  let ended = 0
  const store = {
    ...countingStore(memory),
    async *list() {
      begun += 1
      try {
        for (const from of [0, 2, 4]) {
          // The second page of the first listing breaks; a name comes twice in every one.
          if (begun === 1 && from === 2) throw Object.assign(new Error('gone'), { code: 'ECONNRESET' })
          yield [from, from + 1, 0].map(id => ({ name: recordName('lid-mapping', `${id}`), value: '"x"' }))
        }
      } finally {
        ended += 1
      }
    },
  }
  const reader = await open(store)
  begun = 0
  ended = 0
  const ids: string[] = []
  for await (const id of reader.state.keys.listIds('lid-mapping')) ids.push(id)
  expect(ids).toEqual(['0', '1', '2', '3', '4', '5'])
  expect([begun, ended]).toEqual([2, 2])
  for await (const _ of reader.state.keys.listIds('lid-mapping')) break
  await new Promise(resolve => setImmediate(resolve))
  expect([begun, ended]).toEqual([3, 3])
  await reader.close()
})
