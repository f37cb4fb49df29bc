import { jest } from '@jest/globals'
import { fenceName, heartbeatName, ownersScope, scopeOf } from '../../src/names.ts'
import type { Entry, Store } from '../../src/store.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { sharedStore } from './shared-store/shared-store.ts'
import { isBeat, isFenceWrite, SharedStoreServer } from './shared-store/shared-store-server.ts'
import { fenceOf, open, pick, put, rejection, scope, until } from './support/auth.ts'

async function heartbeats(store: Store): Promise<Entry[]> {
  const found: Entry[] = []
  for await (const page of store.list(ownersScope, { values: true })) found.push(...page)
  return found
}

test('rule 9: sessions of one process on one store share one heartbeat, and its cost does not grow with them', async () => {
  await using server = await SharedStoreServer.start()
  const store = sharedStore(server.url)
  const lease = { ttlMs: 800 }
  const opening = Array.from({ length: 100 }, (_, index) => open(store, { session: `${index}`, lease }))
  const sessions = await Promise.all(opening)
  // Opening a hundred holds the event loop up, and what beats were late come at once.
  for (let left = 3; left > 0; left--) await server.next(isBeat)
  const startedAt = performance.now()
  const beats = await server.during(isBeat, async () => {
    for (let left = 4; left > 0; left--) await server.next(isBeat)
  })
  expect(beats).toBeLessThanOrEqual((performance.now() - startedAt) / 200 + 2)
  expect(await heartbeats(server.data)).toHaveLength(1)
  await Promise.all(sessions.map(auth => auth.close()))
})

test('rule 9: many openers in a row do not hold the heartbeat back', async () => {
  await using server = await SharedStoreServer.start()
  const store = sharedStore(server.url)
  const lease = { ttlMs: 3_000 }
  const opened = [await open(store, { session: 'first', lease })]
  const openersAtBeats: number[] = []
  const startedAt = performance.now()
  for (let index = 0; performance.now() - startedAt < 4_500; index++) {
    const beats = await server.during(isBeat, async () => {
      opened.push(await open(store, { session: `${index}`, lease }))
      await new Promise(resolve => setTimeout(resolve, 50))
    })
    if (beats > 0) openersAtBeats.push(opened.length)
  }
  // A period is 750 ms, in which there is time for 15; a timer set anew by each would ring when the last has come.
  expect(openersAtBeats.length).toBeGreaterThan(1)
  for (const [at, openers] of openersAtBeats.slice(1).entries())
    expect(openers - (openersAtBeats[at] ?? 0)).toBeLessThanOrEqual(25)
  await Promise.all(opened.map(auth => auth.close()))
})

test('rule 9: a copied folder carries the same fence, and is another session', async () => {
  await using original = await SharedStoreServer.start()
  await using copy = await SharedStoreServer.start()
  const auth = await open(sharedStore(original.url), { lease: { ttlMs: 400 } })
  await put(auth, { a: '1' })
  await auth.saveCreds()
  for await (const page of original.data.list(scope, { values: true })) {
    await copy.data.write(
      scope,
      page.map(({ name, value }) => ({ name, value })),
    )
  }
  expect(await fenceOf(copy.data)).toEqual(await fenceOf(original.data))
  const second = await open(sharedStore(copy.url))
  expect(second.state.creds).not.toBe(auth.state.creds)
  await put(second, { a: '2' })
  expect(await pick(auth, 'a')).toBe('1')
  await put(auth, { a: '3' })
  expect(await pick(second, 'a')).toBe('2')
  await Promise.all([auth.close(), second.close()])
})

test('rule 9: the heartbeat record goes with the last session, and not before', async () => {
  const store = memoryStore()
  const first = await open(store, { session: 'first' })
  const second = await open(store, { session: 'second' })
  await first.close()
  expect(await heartbeats(store)).toHaveLength(1)
  await second.close()
  expect(await heartbeats(store)).toEqual([])
})

test('rule 9: a heartbeat that stood still for an hour is removed, one that moved meanwhile is not', async () => {
  await using server = await SharedStoreServer.start()
  const [dead, alive] = [heartbeatName('dead'), heartbeatName('alive')]
  await server.data.write(ownersScope, [
    { name: dead, value: 'last' },
    { name: alive, value: 'first' },
  ])
  const isSweep = ({ method, scope: of }: { method: string; scope: string }) =>
    method === 'list' && of === ownersScope
  const swept = server.next(isSweep)
  const auth = await open(sharedStore(server.url), { lease: { ttlMs: 400 } })
  await swept
  await server.next(isBeat)
  const now = performance.now.bind(performance)
  let laterMs = 61 * 60_000
  const clock = jest.spyOn(performance, 'now').mockImplementation(() => now() + laterMs)
  try {
    await server.data.write(ownersScope, [{ name: alive, value: 'second' }])
    await until(async () => (await server.data.read(ownersScope, [dead]))[0] === undefined)
    expect(await server.data.read(ownersScope, [alive])).toEqual(['second'])
    const again = server.next(isSweep)
    laterMs += 59 * 60_000
    await again
    await server.next(isBeat)
    expect(await server.data.read(ownersScope, [alive])).toEqual(['second'])
    laterMs += 16 * 60_000
    await until(async () => (await server.data.read(ownersScope, [alive]))[0] === undefined)
    await put(auth, { a: '1' })
  } finally {
    clock.mockRestore()
  }
  await auth.close()
})

test('rule 9: a listing of heartbeats that hangs does not stop the heart', async () => {
  await using server = await SharedStoreServer.start()
  const sweep = server.hold(({ method, scope: of }) => method === 'list' && of === ownersScope)
  const auth = await open(sharedStore(server.url), { lease: { ttlMs: 400 } })
  await sweep.waiting()
  await server.next(isBeat)
  await server.next(isBeat)
  await auth.close()
})

test('a release that the outage swallowed is made up for when the store is back, while the heart beats on', async () => {
  await using server = await SharedStoreServer.start()
  const store = sharedStore(server.url)
  const lease = { ttlMs: 400 }
  const other = await open(store, { session: 'other', lease })
  const auth = await open(store, { lease, retry: { forMs: 1_000 } })
  const outage = server.refuse(isFenceWrite, 'ECONNREFUSED')
  expect(await rejection(auth.close())).toMatchObject({ code: 'WRITE_FAILED' })
  expect((await fenceOf(server.data))?.released).toBeUndefined()
  outage.undo()
  await until(async () => (await fenceOf(server.data))?.released === true)
  await (await open(sharedStore(server.url, { as: 'standby' }), { lease: { waitMs: 0 } })).close()
  await other.close()
})

test('a claim without an answer that lands late is given back, while the heart beats on', async () => {
  await using server = await SharedStoreServer.start()
  const store = sharedStore(server.url)
  const lease = { ttlMs: 400 }
  const other = await open(store, { session: 'other', lease })
  const claim = server.hold(call => isFenceWrite(call) && call.scope === scope)
  expect(await rejection(open(store, { lease, retry: { forMs: 1_000 } }))).toMatchObject({
    code: 'WRITE_FAILED',
  })
  const late = claim.release()
  await late
  await until(async () => (await fenceOf(server.data))?.released === true)
  await other.close()
})

test('a session’s fence says its name where the scope is too short for it', async () => {
  const store = memoryStore()
  const session = 'x'.repeat(300)
  const auth = await open(store, { session })
  const [text] = await store.read(scopeOf(session), [fenceName])
  expect(JSON.parse(text ?? '')).toMatchObject({ session, pid: process.pid })
  await auth.close()
})
