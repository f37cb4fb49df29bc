import { sharedStore } from './shared-store/shared-store.ts'
import { isBatch, isBeat, isFenceRead, SharedStoreServer } from './shared-store/shared-store-server.ts'
import { Actor } from './support/actor.ts'
import { aborted, open, pick, put, rejection, scope, session } from './support/auth.ts'

const ttlMs = 600

async function recordsOf(server: SharedStoreServer): Promise<unknown> {
  const found: unknown[] = []
  for await (const page of server.data.list(scope, { values: true })) found.push(...page)
  return found
}

test('rule 8: an idle owner that was stopped while another took over learns of it at once, and reads nothing more', async () => {
  await using server = await SharedStoreServer.start()
  await using owner = await Actor.start(server)
  await owner.open({ session, lease: { ttlMs } })
  await owner.act({ do: 'set', data: { a: '1' } })
  expect(await owner.act({ do: 'get', ids: ['a'] })).toEqual({ a: '1' })
  owner.stop()
  const auth = await open(sharedStore(server.url), { lease: { ttlMs } })
  await put(auth, { a: '2' })
  owner.resume()
  expect(await owner.aborted).toMatchObject({ code: 'LEASE_LOST' })
  await expect(owner.act({ do: 'get', ids: ['a'] })).rejects.toMatchObject({ code: 'LEASE_LOST' })
  await auth.close()
})

test('rule 8: what a stopped owner was told meanwhile reaches neither the store nor its own cache', async () => {
  await using server = await SharedStoreServer.start()
  await using owner = await Actor.start(server)
  await owner.open({ session, lease: { ttlMs } })
  await owner.act({ do: 'set', data: { a: '1' } })
  owner.stop()
  const late = [
    rejection(owner.act({ do: 'get', ids: ['a'] })),
    rejection(owner.act({ do: 'set', data: { a: 'late' } })),
    rejection(owner.act({ do: 'saveCreds', nextPreKeyId: 99 })),
  ]
  const auth = await open(sharedStore(server.url), { lease: { ttlMs } })
  await put(auth, { a: '2' })
  const before = await recordsOf(server)
  owner.resume()
  expect((await Promise.all(late)).map(({ code }) => code)).toEqual(Array(3).fill('LEASE_LOST'))
  expect(await recordsOf(server)).toEqual(before)
  await auth.close()
})

test('rule 8: an owner that was stopped while nobody took over looks at its fence, and goes on', async () => {
  await using server = await SharedStoreServer.start()
  await using owner = await Actor.start(server)
  await owner.open({ session, lease: { ttlMs } })
  await owner.act({ do: 'set', data: { a: '1' } })
  owner.stop()
  const late = owner.act({ do: 'set', data: { a: '2' } })
  await new Promise(resolve => setTimeout(resolve, ttlMs * 1.5))
  server.calls.length = 0
  owner.resume()
  await late
  const [looked, beaten, wrote] = [isFenceRead, isBeat, isBatch].map(match => server.calls.findIndex(match))
  expect(beaten).toBeGreaterThanOrEqual(0)
  expect(looked).toBeGreaterThan(beaten ?? 0)
  expect(wrote).toBeGreaterThan(looked ?? 0)
  expect(await owner.act({ do: 'get', ids: ['a'] })).toEqual({ a: '2' })
})

test('rule 8: an idle owner whose look had no answer looks again at its next beat', async () => {
  await using server = await SharedStoreServer.start()
  const holder = await open(sharedStore(server.url), { lease: { ttlMs: 1_200 } })
  const taking = open(sharedStore(server.url, { as: 'taker' }), { lease: { onHeld: 'takeOver' } })
  await server.next(call => isBeat(call) && call.changes?.[0]?.value?.endsWith(' ') === true)
  server.refuse(isFenceRead, 'ECONNREFUSED', 1)
  const taker = await taking
  await server.next(isFenceRead)
  expect(holder.signal.aborted).toBe(false)
  expect(await aborted(holder)).toBe('LEASE_LOST')
  await taker.close()
})

test('rule 8: a session whose data is gone, where not even a heartbeat lands, ends with SESSION_REMOVED', async () => {
  await using server = await SharedStoreServer.start()
  const auth = await open(sharedStore(server.url), { lease: { ttlMs } })
  await put(auth, { a: '1' })
  server.refuse(isBeat, 'ENOENT')
  await server.data.remove(scope)
  await new Promise(resolve => setTimeout(resolve, ttlMs))
  expect(await rejection(pick(auth, 'a'))).toMatchObject({ code: 'SESSION_REMOVED' })
})
