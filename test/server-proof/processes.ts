import { setTimeout as sleep } from 'node:timers/promises'
import { fenceName, scopeOf } from '../../src/names.ts'
import { Actor } from '../engine/support/actor.ts'
import { open, pick, put, rejection, session } from '../engine/support/auth.ts'
import type { ServerStore } from '../stores/server-store.ts'
import { foreignHost, foreignOwner } from '../suite/foreign-owner.ts'
import { contentOf, look } from './support/content.ts'
import { placeOn } from './support/place.ts'

const contenders = 20
const ttlMs = 1_500

/** Declares tests of promise 7, one writer, with processes of their own on one server. */
export function proveProcesses(at: ServerStore): void {
  test(`of ${contenders} processes that open one session at once, one writes, and the others are told who`, async () => {
    await using place = await placeOn(at)
    await using actors = await startActors(place, contenders)
    const outcomes = await Promise.all(
      actors.all.map(async actor => {
        const error = await actor.open({ session, lease: { waitMs: 300 } }).then(
          () => undefined,
          caught => caught,
        )
        const written = await actor.act({ do: 'set', data: { writer: String(actor.pid) } }).then(
          () => true,
          () => false,
        )
        return { pid: actor.pid, error, written }
      }),
    )
    const winners = outcomes.filter(({ error }) => error === undefined)
    expect(winners).toHaveLength(1)
    const [winner] = winners
    expect(outcomes.filter(({ written }) => written)).toEqual([winner])
    for (const { error } of outcomes) {
      if (error === undefined) continue
      expect(error).toMatchObject({ code: 'SESSION_IN_USE' })
      expect(error.message).toContain(`process ${winner?.pid} on host`)
    }
    await actors.all.find(({ pid }) => pid === winner?.pid)?.act({ do: 'close' })
    await look(at, place.url, async store => {
      const auth = await open(store, { lease: { waitMs: 0 } })
      expect(await pick(auth, 'writer')).toBe(String(winner?.pid))
      await auth.close()
    })
  })

  test.each([
    ['that has nothing to do', false],
    ['that is told to read, write and save meanwhile', true],
  ])(
    'a stopped owner %s, and resumed after another took over, writes no byte and learns of it',
    async (_, isBusy) => {
      await using place = await placeOn(at)
      await using owner = await Actor.start(place)
      await owner.open({ session, lease: { ttlMs } })
      await owner.act({ do: 'set', data: { a: '1' } })
      expect(await owner.act({ do: 'get', ids: ['a'] })).toEqual({ a: '1' })
      owner.stop()
      const orders = [
        () => owner.act({ do: 'get', ids: ['a'] }),
        () => owner.act({ do: 'set', data: { a: 'late', b: 'late' } }),
        () => owner.act({ do: 'saveCreds', nextPreKeyId: 99 }),
      ]
      const late = isBusy ? orders.map(order => rejection(order())) : []
      await look(at, place.url, async store => {
        const auth = await open(store, { lease: { ttlMs } })
        await put(auth, { a: '2' })
        const before = await contentOf(store)
        owner.resume()
        expect(await owner.aborted).toMatchObject({ code: 'LEASE_LOST' })
        const codes = await Promise.all([...late, ...orders.map(order => rejection(order()))])
        expect(codes.map(({ code }) => code)).toEqual(codes.map(() => 'LEASE_LOST'))
        expect(await contentOf(store)).toEqual(before)
        expect(await pick(auth, 'a')).toBe('2')
        await auth.close()
      })
    },
  )

  test('an owner that was killed on this host is taken over at once, with all that it wrote', async () => {
    await using place = await placeOn(at)
    await using owner = await Actor.start(place)
    await owner.open({ session, lease: { ttlMs: 60_000 } })
    await owner.act({ do: 'set', data: { a: '1' } })
    await owner.act({ do: 'saveCreds', nextPreKeyId: 77 })
    await owner.kill()
    const opener = at.opener(place.url, { session, lease: { waitMs: 0 }, logger: false })
    const auth = await opener.open()
    expect(auth.state.creds.nextPreKeyId).toBe(77)
    expect(await pick(auth, 'a')).toBe('1')
    await auth.close()
    await opener.close()
  })

  test('an owner on another host is taken over when its heart has stood still for its time to live, and not before', async () => {
    const ttlMs = 3_000
    await using place = await placeOn(at)
    await look(at, place.url, async store => {
      const foreign = foreignOwner(store, scopeOf(session), session, ttlMs)
      await foreign.take()
      const beating = setInterval(() => void foreign.beat(), ttlMs / 8)
      const { code, message } = await rejection(open(store, { lease: { waitMs: ttlMs * 2 } }))
      expect(code).toBe('SESSION_IN_USE')
      expect(message).toContain(foreignHost)
      // It is the owner's time to live that counts: the contender's own would outlast its patience.
      const opening = open(store, { lease: { ttlMs: 60_000, waitMs: 30_000 } })
      await sleep(ttlMs)
      clearInterval(beating)
      await foreign.beat()
      const lastBeatAt = performance.now()
      const auth = await opening
      // Half a period of patience in which the last beat may have been on its way.
      expect(performance.now() - lastBeatAt).toBeGreaterThanOrEqual(ttlMs - 50)
      const [fence] = await store.read(scopeOf(session), [fenceName])
      expect(fence).not.toBe(foreign.fence)
      await auth.close()
    })
  })

  test('a rolling restart, in which the old closes while the new waits, takes under a second', async () => {
    await using place = await placeOn(at)
    await using one = await Actor.start(place)
    await using other = await Actor.start(place)
    // It is the release that lets the next one in: the time to live is far too long for it.
    const options = { session, lease: { ttlMs: 60_000 } }
    let [old, next] = [one, other]
    await old.open(options)
    let tookMs = Number.POSITIVE_INFINITY
    // Processes of a busy machine may stand still for a second: one in five shall not.
    for (let turn = 0; turn < 5 && tookMs >= 1_000; turn++) {
      const opened = next.open(options)
      // Long enough for it to connect, and to find the session held.
      await sleep(1_500)
      await old.act({ do: 'set', data: { a: `${turn}` } })
      const startedAt = performance.now()
      await old.act({ do: 'close' })
      await opened
      expect(await next.act({ do: 'get', ids: ['a'] })).toEqual({ a: `${turn}` })
      tookMs = performance.now() - startedAt
      ;[old, next] = [next, old]
    }
    expect(tookMs).toBeLessThan(1_000)
    await old.act({ do: 'close' })
  })
}

async function startActors(
  place: { readonly url: string },
  count: number,
): Promise<AsyncDisposable & { readonly all: readonly Actor[] }> {
  const all = await Promise.all(Array.from({ length: count }, () => Actor.start(place)))
  return {
    all,
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map(actor => actor[Symbol.asyncDispose]()))
    },
  }
}
