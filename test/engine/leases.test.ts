import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fenceName, heartbeatName, ownersScope, scopeOf } from '../../src/names.ts'
import { withTimeout } from '../../src/session/clock.ts'
import { contend } from '../../src/session/contend.ts'
import { type Fence, formatFence, newFence } from '../../src/session/fence.ts'
import { domainOf } from '../../src/session/registry.ts'
import type { Store } from '../../src/store.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { passThrough } from '../suite/pass-through.ts'
import { sharedStore } from './shared-store/shared-store.ts'
import { isBeat, isFenceRead, isFenceWrite, SharedStoreServer } from './shared-store/shared-store-server.ts'
import { Actor } from './support/actor.ts'
import { aborted, fenceOf, open, pick, put, rejection, scope, session } from './support/auth.ts'

const ttlMs = 600

/** Puts a session under a fence that is this process's own but for what is given. */
async function fenced(store: Store, of: Partial<Fence>): Promise<void> {
  const fence = { ...newFence(scope, session, 'another-owner', 60_000), ...of }
  await store.write(scope, [{ name: fenceName, value: formatFence(fence) }])
}

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await once(child, 'exit')
  return child.pid ?? 0
}

test('rule 6: an owner that was killed on this host is taken over at once, with all that it wrote', async () => {
  await using server = await SharedStoreServer.start()
  await using owner = await Actor.start(server)
  const opened = await owner.open({ session, lease: { ttlMs: 60_000 } })
  await owner.act({ do: 'set', data: { a: '1' } })
  await owner.kill()
  const auth = await open(sharedStore(server.url), { lease: { waitMs: 0 } })
  expect(auth.state.creds.registrationId).toBe(opened.registrationId)
  expect(await pick(auth, 'a')).toBe('1')
  await auth.close()
})

test('rule 6: a pid that another process has by now is no sign of life', async () => {
  const store = memoryStore()
  await fenced(store, { started: 1 })
  await (await open(store, { lease: { waitMs: 0 } })).close()
})

test.each<[string, Partial<Fence>]>([
  ['another host', { host: 'elsewhere.example' }],
  ['another boot', { bootId: '00000000-0000-0000-0000-000000000000' }],
  ['another pid namespace', { pidNamespace: 'pid:[1]' }],
])('rule 6: a pid that is gone here proves nothing about %s', async (_, of) => {
  const store = memoryStore()
  await fenced(store, { pid: await deadPid(), started: 1, ...of })
  expect(await rejection(open(store, { lease: { waitMs: 0 } }))).toMatchObject({ code: 'SESSION_IN_USE' })
})

test('rule 6: a live process is no proof that its session lives: one whose heart stands still is taken over', async () => {
  const store = memoryStore()
  await fenced(store, { ttlMs })
  const startedAt = performance.now()
  const auth = await open(store)
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(ttlMs)
  await auth.close()
})

test('rule 6: a worker thread shares the pid, not the session: it waits, and so does the main thread for it', async () => {
  await using server = await SharedStoreServer.start()
  await using worker = await Actor.startThread(server)
  await worker.open({ session, lease: { ttlMs: 3_000 } })
  const store = sharedStore(server.url)
  const { code, message } = await rejection(open(store, { lease: { waitMs: 5_000 } }))
  expect(code).toBe('SESSION_IN_USE')
  expect(message).toContain('this very process')
  await worker.act({ do: 'close' })
  const auth = await open(store, { lease: { ttlMs } })
  expect(await rejection(worker.open({ session, lease: { waitMs: 1_000 } }))).toMatchObject({
    code: 'SESSION_IN_USE',
  })
  await auth.close()
})

test('rule 6: a second registry in this process waits as another process does', async () => {
  const store = memoryStore()
  const owner = await open(store, { lease: { ttlMs } })
  const slots = globalThis as { [key: symbol]: unknown }
  const key = Symbol.for('baileys-authkit.registry.2')
  const mine = slots[key]
  slots[key] = undefined
  try {
    const { code } = await rejection(open(store, { lease: { waitMs: 1_500 } }))
    expect(code).toBe('SESSION_IN_USE')
  } finally {
    slots[key] = mine
  }
  await put(owner, { a: '1' })
  await owner.close()
})

test('rule 6: concurrent first opens of one process share one engine, one claim and one creds object', async () => {
  await using server = await SharedStoreServer.start()
  const opening = Array.from({ length: 5 }, () => open(sharedStore(server.url)))
  const handles = await Promise.all(opening)
  expect(new Set(handles.map(({ state }) => state.creds)).size).toBe(1)
  expect(server.count(isFenceWrite)).toBe(1)
  await handles.at(-1)?.close()
  expect(handles[0]?.signal.aborted).toBe(true)
})

test('rule 6: concurrent openers of a held session share one wait', async () => {
  const store = memoryStore()
  await fenced(store, {})
  let looks = 0
  const counting: Store = {
    ...passThrough(store),
    read: (of, names) => {
      if (names.includes(fenceName)) looks += 1
      return store.read(of, names)
    },
  }
  const startedAt = performance.now()
  const opening = Array.from({ length: 5 }, () => rejection(open(counting, { lease: { waitMs: 400 } })))
  expect((await Promise.all(opening)).map(({ code }) => code)).toEqual(Array(5).fill('SESSION_IN_USE'))
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(400)
  // Two or three for the first, and one for each of the others; five waits one after the other would take fifteen.
  expect(looks).toBeLessThanOrEqual(9)
})

test('rule 6: a claim of one’s own that nobody holds any more is taken over at once', async () => {
  const store = memoryStore()
  const other = await open(store, { session: 'other' })
  const owner = (await fenceOf(store, 'other'))?.owner ?? ''
  await fenced(store, { owner })
  await (await open(store, { lease: { waitMs: 0 } })).close()
  // Copied with its fence: the same token, and another session.
  const [fence] = await store.read(scopeOf('other'), [fenceName])
  await store.write(scopeOf('copy'), [{ name: fenceName, value: fence }])
  await (await open(store, { session: 'copy', lease: { waitMs: 0 } })).close()
  await other.close()
})

test('rule 6: a claim whose answer was lost is found to have landed', async () => {
  await using server = await SharedStoreServer.start()
  server.loseAnswer(isFenceWrite)
  const auth = await open(sharedStore(server.url), { lease: { waitMs: 0 } })
  await put(auth, { a: '1' })
  expect(server.count(isFenceWrite)).toBe(1)
  await auth.close()
})

test('rule 7: a failed reading starts the watch anew', async () => {
  await using server = await SharedStoreServer.start()
  await fenced(server.data, { ttlMs, host: 'elsewhere.example' })
  const opening = open(sharedStore(server.url))
  // Most of the time has passed when a reading fails.
  const startedAt = performance.now()
  while (performance.now() - startedAt < ttlMs * 0.7) await server.next(isFenceRead)
  server.refuse(isFenceRead, 'ECONNREFUSED', 1)
  await server.next(isFenceRead)
  const failedAt = performance.now()
  await server.next(isFenceWrite)
  expect(performance.now() - failedAt).toBeGreaterThanOrEqual(ttlMs)
  await (await opening).close()
})

test('rule 7: a reading that hangs starts the watch anew, and counts for nothing when it is answered after all', async () => {
  await using server = await SharedStoreServer.start()
  await fenced(server.data, { ttlMs, host: 'elsewhere.example' })
  const opening = open(sharedStore(server.url), { retry: { forMs: 30_000 } })
  await server.next(isFenceRead)
  const stalled = server.hold(isFenceRead, 1)
  await stalled.waiting()
  await new Promise(resolve => setTimeout(resolve, ttlMs * 1.2))
  const answeredAt = performance.now()
  await stalled.deliver()
  await server.next(isFenceWrite)
  expect(performance.now() - answeredAt).toBeGreaterThanOrEqual(ttlMs)
  await (await opening).close()
})

test('rule 7: a reading that is given up starts the watch anew, though the next one comes within a period', async () => {
  const memory = memoryStore()
  await fenced(memory, { ttlMs, host: 'elsewhere.example' })
  const startedAt = performance.now()
  let hungAt = 0
  const store = {
    ...passThrough(memory),
    async read(of: string, names: readonly string[]) {
      if (hungAt === 0 && performance.now() - startedAt > ttlMs / 2) {
        hungAt = performance.now()
        await new Promise(() => {})
      }
      return memory.read(of, names)
    },
  }
  const patient = async <T>(attempt: () => Promise<T>): Promise<T> => {
    try {
      return await withTimeout(attempt(), 30)
    } catch {
      return patient(attempt)
    }
  }
  const subject = { store, domain: domainOf(store), scope, session, ttlMs, callMs: 1_000 }
  const options = { waitMs: 10_000, onHeld: 'wait', since: startedAt, onWaiting: () => {} } as const
  const lease = await contend(subject, { ...options, reading: patient, writing: patient })
  expect(performance.now() - hungAt).toBeGreaterThanOrEqual(ttlMs)
  lease.forget()
})

test('rule 7: a standby that watches while the database restarts does not steal the session', async () => {
  await using server = await SharedStoreServer.start()
  const owner = await open(sharedStore(server.url, { as: 'owner' }), { lease: { ttlMs: 1_000 } })
  await put(owner, { a: '1' })
  const before = await fenceOf(server.data)
  const standby = rejection(open(sharedStore(server.url), { lease: { waitMs: 4_000 } }))
  await server.next(isFenceRead)
  await server.down()
  await new Promise(resolve => setTimeout(resolve, 1_500))
  await server.up()
  await server.next(isBeat)
  await put(owner, { a: '2' })
  expect(await standby).toMatchObject({ code: 'SESSION_IN_USE' })
  expect(await fenceOf(server.data)).toEqual(before)
  await owner.close()
})

test('rule 7: a missing heartbeat counts from first sight, and an owner writes its own before its first fence', async () => {
  await using server = await SharedStoreServer.start()
  await fenced(server.data, { ttlMs, host: 'elsewhere.example' })
  const startedAt = performance.now()
  const auth = await open(sharedStore(server.url))
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(ttlMs)
  const owner = (await fenceOf(server.data))?.owner ?? ''
  const writes = server.calls
    .filter(({ method }) => method === 'write')
    .map(({ changes = [] }) => changes[0]?.name)
  expect(writes.indexOf(heartbeatName(owner))).toBe(0)
  expect(writes.indexOf(fenceName)).toBeGreaterThan(0)
  await auth.close()
})

test("onHeld 'takeOver': an idle holder gets LEASE_LOST within a heartbeat", async () => {
  await using server = await SharedStoreServer.start()
  await using holder = await Actor.start(server)
  await holder.open({ session, lease: { ttlMs: 4_000 } })
  await holder.act({ do: 'set', data: { a: '1' } })
  const heartbeat = heartbeatName((await fenceOf(server.data))?.owner ?? '')
  const auth = await open(sharedStore(server.url), { lease: { onHeld: 'takeOver' } })
  const taken = server.calls.findLastIndex(isFenceWrite)
  const { code, message } = await holder.aborted
  // The first beat finds that it was touched, and is written over; without the touch the heart would beat on.
  const isOfHolder = (call: Parameters<typeof isBeat>[0]) => call.changes?.[0]?.name === heartbeat
  const beats = server.calls.slice(taken).filter(call => isBeat(call) && isOfHolder(call) && !isTouch(call))
  expect(beats.length).toBeLessThanOrEqual(3)
  expect(code).toBe('LEASE_LOST')
  expect(message).toContain(`process ${process.pid}`)
  await expect(holder.act({ do: 'set', data: { a: '2' } })).rejects.toMatchObject({ code: 'LEASE_LOST' })
  expect(await pick(auth, 'a')).toBe('1')
  await auth.close()
})

test("onHeld 'takeOver': a holder that beats while it is startled is startled again", async () => {
  await using server = await SharedStoreServer.start()
  const holder = await open(sharedStore(server.url), { lease: { ttlMs: 2_000 } })
  const touch = server.hold(isTouch, 1)
  const taking = open(sharedStore(server.url, { as: 'taker' }), { lease: { onHeld: 'takeOver' } })
  await touch.waiting()
  const owner = (await fenceOf(server.data))?.owner
  await server.next(call => isBeat(call) && call.changes?.[0]?.name !== heartbeatName(owner ?? ''))
  // The beat has landed when the next one arrives, or the touch would be in time.
  while (
    (await server.data.read(ownersScope, [touch.calls[0]?.changes?.[0]?.name ?? '']))[0] ===
    touched(touch.calls[0])
  )
    await new Promise(resolve => setTimeout(resolve, 5))
  expect(await touch.deliver()).toBe(false)
  expect(await aborted(holder)).toBe('LEASE_LOST')
  await (await taking).close()
})

function isTouch(call: Parameters<typeof isBeat>[0]): boolean {
  return isBeat(call) && call.changes?.[0]?.value?.endsWith(' ') === true
}

function touched(
  call: { readonly guards?: readonly { readonly value: string | null }[] } | undefined,
): string | null {
  return call?.guards?.[0]?.value ?? null
}
