import { Outage, persist } from '../../src/session/outage.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { failingStore } from '../suite/failing-store.ts'
import { within } from '../whatsapp/within.ts'
import { permanentCode, sharedStore } from './shared-store/shared-store.ts'
import { anyCall, isBatch, SharedStoreServer } from './shared-store/shared-store-server.ts'
import { hasSettled, nameOf, open, pick, put, rejection, stored } from './support/auth.ts'

test('rule 14: retry.forMs counts from the start of an outage, for calls that come later too', async () => {
  await using server = await SharedStoreServer.start()
  const auth = await open(sharedStore(server.url), { retry: { forMs: 600 } })
  await put(auth, { a: '0' })
  await server.down()
  const startedAt = performance.now()
  const first = rejection(put(auth, { a: '1' }))
  await new Promise(resolve => setTimeout(resolve, 400))
  const second = rejection(put(auth, { b: '1' }))
  expect(await first).toMatchObject({ code: 'WRITE_FAILED' })
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(590)
  // One end for both: a count that began anew would leave it pending for as long again as it came later.
  expect(await hasSettled(second)).toBe(true)
  expect(await second).toMatchObject({ code: 'WRITE_FAILED' })
})

test('rule 14: after it, calls fail at once until a probe succeeds', async () => {
  await using server = await SharedStoreServer.start()
  const auth = await open(sharedStore(server.url), { retry: { forMs: 300 } })
  await put(auth, { a: '0' })
  await server.down()
  await rejection(put(auth, { a: '1' }))
  const startedAt = performance.now()
  for (let turn = 0; turn < 20; turn++)
    expect(await rejection(put(auth, { a: '2' }))).toMatchObject({ code: 'WRITE_FAILED' })
  expect(performance.now() - startedAt).toBeLessThan(300)
  await server.up()
  // A call a second finds out, and with it all others work again.
  await new Promise(resolve => setTimeout(resolve, 1_050))
  await put(auth, { a: '3' })
  await put(auth, { a: '4' })
  expect(await pick(auth, 'a')).toBe('4')
  await auth.close()
})

test('rule 14: saveCreds() stays pending through any outage, and lands when the store is back', async () => {
  await using server = await SharedStoreServer.start()
  const auth = await open(sharedStore(server.url), { retry: { forMs: 1_000 } })
  await put(auth, { a: '0' })
  await server.down()
  auth.state.creds.nextPreKeyId = 77
  const saved = auth.saveCreds()
  expect(await rejection(put(auth, { a: '1' }))).toMatchObject({ code: 'WRITE_FAILED' })
  await new Promise(resolve => setTimeout(resolve, 1_200))
  expect(await hasSettled(saved)).toBe(false)
  await server.up()
  await saved
  await put(auth, { a: '2' })
  await auth.close()
  const again = await open(sharedStore(server.url))
  expect(again.state.creds.nextPreKeyId).toBe(77)
  await again.close()
})

test('rule 14: close() in an outage gives up after retry.forMs, and says so; so does a pending saveCreds()', async () => {
  await using server = await SharedStoreServer.start()
  const auth = await open(sharedStore(server.url), { retry: { forMs: 300 } })
  await put(auth, { a: '0' })
  await server.down()
  auth.state.creds.nextPreKeyId = 77
  const saved = rejection(auth.saveCreds())
  const closed = rejection(auth.close())
  expect(await within(closed, 'the end', 2_000)).toMatchObject({ code: 'WRITE_FAILED' })
  expect(await saved).toMatchObject({ code: 'WRITE_FAILED' })
  expect(await rejection(auth.saveCreds())).toMatchObject({ code: 'SESSION_CLOSED' })
})

test('rule 14: one bad call fails alone; creds and the calls around it land, in order', async () => {
  await using server = await SharedStoreServer.start()
  const auth = await open(sharedStore(server.url))
  await put(auth, { a: '0' })
  server.calls.length = 0
  server.refuse(
    call => isBatch(call) && call.changes?.some(({ name }) => name === nameOf('bad')) === true,
    permanentCode,
  )
  auth.state.creds.nextPreKeyId = 5
  const calls = [
    put(auth, { a: '1' }),
    put(auth, { bad: 'x', a: 'never' }),
    auth.saveCreds(),
    put(auth, { a: '2' }),
  ]
  const outcomes = await Promise.allSettled(calls)
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
  expect(await stored(server.data, 'a')).toBe('2')
  expect(await stored(server.data, 'bad')).toBeUndefined()
  const alone = server.calls
    .filter(isBatch)
    .slice(1)
    .map(({ changes = [] }) => changes.map(({ name }) => name))
  expect(alone).toEqual([[nameOf('a')], [nameOf('bad'), nameOf('a')], ['creds'], [nameOf('a')]])
  expect(auth.signal.reason).toMatchObject({ code: 'WRITE_FAILED' })
  await auth.close()
})

test('a session whose write was refused for good is opened anew, with a signal that has not fired', async () => {
  await using server = await SharedStoreServer.start()
  const auth = await open(sharedStore(server.url))
  const full = server.refuse(isBatch, permanentCode)
  expect(await rejection(put(auth, { a: '1' }))).toMatchObject({ code: 'WRITE_FAILED' })
  expect(auth.signal.reason).toMatchObject({ code: 'WRITE_FAILED' })
  full.undo()
  const again = await open(sharedStore(server.url))
  expect(again.signal.aborted).toBe(false)
  await put(again, { a: '2' })
  expect(await rejection(put(auth, { a: '3' }))).toMatchObject({ code: 'SESSION_CLOSED' })
  await again.close()
})

test('nothing hangs past retry.forMs when the store never answers', async () => {
  await using server = await SharedStoreServer.start()
  const forMs = 1_500
  const auth = await open(sharedStore(server.url), { retry: { forMs } })
  await put(auth, { a: '0' })
  server.hold(anyCall)
  const list = async () => {
    for await (const _ of auth.state.keys.listIds('lid-mapping')) break
  }
  const saved = auth.saveCreds().catch(() => {})
  const calls = [put(auth, { a: '1' }), pick(auth, 'b'), list(), open(sharedStore(server.url))]
  const late = [...calls, open(sharedStore(server.url, { as: 'other' }), { retry: { forMs } })]
  const failing = Promise.all(late.map(rejection))
  // By a timer of this process, which stands still with it: less than the second that a probe would take.
  const codes = (await within(failing, 'all calls to fail', forMs + 600)).map(({ code }) => code)
  expect(codes).toEqual(['WRITE_FAILED', 'READ_FAILED', 'READ_FAILED', 'READ_FAILED', 'WRITE_FAILED'])
  const closed = rejection(auth.close())
  expect(await within(closed, 'the end', 2 * forMs + 2_000)).toMatchObject({ code: 'WRITE_FAILED' })
  await saved
})

test('an attempt that begins in the last moment of retry.forMs has no more time than that moment', async () => {
  let attempts = 0
  let isTooLate = false
  const attempt = (limitMs: number): Promise<never> => {
    attempts += 1
    if (attempts === 2) {
      const endsAt = performance.now() + limitMs + 50
      while (performance.now() < endsAt); // Sending it takes longer than there was time.
      // What is left of its own limit, and less than the second of a probe.
      setTimeout(() => {
        isTooLate = true
      }, limitMs + 200)
    }
    return new Promise(() => {})
  }
  const persisted = persist(memoryStore(), new Outage(1_500), attempt)
  await expect(persisted).rejects.toThrow('does not answer')
  expect({ attempts, isTooLate }).toEqual({ attempts: 2, isTooLate: false })
})

test('a list waits for no creds that an outage holds up', async () => {
  const store = failingStore(memoryStore())
  const auth = await open(store, { retry: { forMs: 200 } })
  await put(auth, { a: '0' })
  store.fail('write')
  auth.state.creds.nextPreKeyId = 9
  const saved = auth.saveCreds()
  const found: string[] = []
  const list = async () => {
    for await (const id of auth.state.keys.listIds('lid-mapping')) found.push(id)
  }
  await list()
  expect(await hasSettled(saved)).toBe(false)
  store.mend()
  await saved
  expect(found).toEqual(['a'])
  await auth.close()
})

test('retry.forMs of zero means one attempt, which may take its time', async () => {
  await using server = await SharedStoreServer.start()
  const auth = await open(sharedStore(server.url), { retry: { forMs: 0 } })
  const slow = server.hold(isBatch, 1)
  const landing = put(auth, { a: '1' })
  await slow.waiting()
  await new Promise(resolve => setTimeout(resolve, 100))
  await slow.deliver()
  await landing
  server.refuse(isBatch, 'ECONNREFUSED', 1)
  expect(await rejection(put(auth, { a: '2' }))).toMatchObject({ code: 'WRITE_FAILED' })
  await auth.close()
})
