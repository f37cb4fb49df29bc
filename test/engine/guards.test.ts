import { hostname } from 'node:os'
import { isInternalScope } from '../../src/names.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { sharedStore } from './shared-store/shared-store.ts'
import { isFenceWrite, SharedStoreServer } from './shared-store/shared-store-server.ts'
import { Actor } from './support/actor.ts'
import { fenceOf, open, put, rejection, scope } from './support/auth.ts'

test('rule 1: of twenty racing first openers exactly one wins, and the others learn who', async () => {
  await using server = await SharedStoreServer.start()
  for (let round = 0; round < 5; round++) {
    const session = `race-${round}`
    const openers = Array.from({ length: 20 }, (_, index) =>
      open(sharedStore(server.url, { as: `${index}` }), { session, lease: { waitMs: 0 } }),
    )
    const outcomes = await Promise.allSettled(openers)
    const winners = outcomes.filter(outcome => outcome.status === 'fulfilled')
    expect(winners).toHaveLength(1)
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue
      expect(outcome.reason.code).toBe('SESSION_IN_USE')
      expect(outcome.reason.message).toContain(`process ${process.pid} on host "${hostname()}"`)
    }
    await winners[0]?.value.close()
  }
})

test('rule 1: of racing first processes exactly one wins, and the others name its pid', async () => {
  await using server = await SharedStoreServer.start()
  const actors = await Promise.all(Array.from({ length: 4 }, () => Actor.start(server)))
  try {
    const openings = actors.map(actor => actor.open({ session: 'shop', lease: { waitMs: 0 } }))
    const outcomes = await Promise.allSettled(openings)
    const winner = actors[outcomes.findIndex(({ status }) => status === 'fulfilled')]
    const refused = outcomes.filter(outcome => outcome.status === 'rejected')
    expect(refused).toHaveLength(3)
    for (const { reason } of refused) {
      expect(reason.code).toBe('SESSION_IN_USE')
      expect(reason.message).toContain(`process ${winner?.pid} on host "${hostname()}"`)
    }
    expect((await fenceOf(server.data))?.pid).toBe(winner?.pid)
  } finally {
    for (const actor of actors) await actor[Symbol.asyncDispose]()
  }
})

test('rule 4: a write takes any number of guards, and all must hold', async () => {
  await using server = await SharedStoreServer.start()
  for (const store of [memoryStore(), sharedStore(server.url)]) {
    await store.write(scope, [
      { name: '!a', value: '1' },
      { name: '!b', value: '2' },
    ])
    const a = { name: '!a', value: '1' }
    const b = { name: '!b', value: '2' }
    const absent = { name: '!c', value: undefined }
    const change = [{ name: 'x', value: 'landed' }]
    expect(await store.write(scope, change, [a, { ...b, value: 'other' }, absent])).toBe(false)
    expect(await store.write(scope, change, [a, b, { name: '!a', value: undefined }])).toBe(false)
    expect(await store.read(scope, ['x'])).toEqual([undefined])
    expect(await store.write(scope, [...change, { name: '!c', value: '3' }], [a, b, absent])).toBe(true)
    expect(await store.remove(scope, [a, absent])).toBe(false)
    expect(await store.remove(scope, [a, b])).toBe(true)
  }
})

test('rule 5: a contender changes nothing of a session before the write that takes its fence', async () => {
  await using server = await SharedStoreServer.start()
  const owner = await open(sharedStore(server.url))
  await put(owner, { a: '1' })
  server.calls.length = 0
  const contender = sharedStore(server.url, { as: 'contender' })
  await rejection(open(contender, { lease: { waitMs: 500 } }))
  const isOnSession = ({ method, scope: of }: { method: string; scope: string }) =>
    (method === 'write' || method === 'remove') && !isInternalScope(of)
  expect(server.calls.filter(isOnSession)).toEqual([])

  await owner.close()
  server.calls.length = 0
  const next = await open(contender)
  const changes = server.calls.filter(isOnSession)
  expect(changes).toHaveLength(1)
  expect(changes.every(isFenceWrite)).toBe(true)
  await next.close()
})
