import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { open, pick, put, rejection } from '../engine/support/auth.ts'
import { containing, type Fault, type TcpProxy } from '../proxy/tcp-proxy.ts'
import type { ServerStore } from '../stores/server-store.ts'
import { type Random, randomOf } from '../suite/random.ts'
import { within } from '../whatsapp/within.ts'
import type { Line } from './support/line.ts'
import { everyBatch, Load } from './support/load.ts'
import { placeOn } from './support/place.ts'

const forMs = 12_000
const turns = 5
const randomForMs = 6_000
const isBatch = containing(everyBatch)
const seed = Number(process.env.AUTHKIT_SEED ?? randomInt(2 ** 31))

/** Declares tests in which single connections break under load. */
export function proveCuts(at: ServerStore, line: () => Line): void {
  test.each<[string, (proxy: TcpProxy) => Fault]>([
    ['before a batch', proxy => proxy.cutBefore(isBatch)],
    ['in a batch', proxy => proxy.cutWithin(500, isBatch)],
    ['after a batch was done, and before the answer', proxy => proxy.cutAfter(isBatch)],
  ])(
    'a connection that is cut %s, under load, loses nothing, and every caller succeeds',
    async (_, break_) => {
      await underLoad(at, line(), async (load, proxy) => {
        for (let turn = 0; turn < turns; turn++) {
          await within(break_(proxy).met, 'a batch to be cut')
          await load.progress(forMs)
        }
      })
    },
  )
}

/** Declares tests in which the whole network breaks, under load and alone. */
export function proveOutages(at: ServerStore, line: () => Line): void {
  test('delays, stalls and refused connections, under load, lose nothing, and every caller succeeds', async () => {
    await underLoad(at, line(), async (load, proxy) => {
      proxy.delayMs = 40
      await load.progress(forMs)
      proxy.delayMs = 0
      for (const end of ['release', 'drop'] as const) {
        proxy.stall()
        await sleep(1_200)
        proxy[end]()
        await load.progress(forMs)
      }
      proxy.down()
      await sleep(800)
      await proxy.up()
      await load.progress(forMs)
    })
  })

  test(`whatever the network does at random (AUTHKIT_SEED=${seed}), nothing is lost, torn or left waiting`, async () => {
    await underLoad(at, line(), async (load, proxy) => {
      const random = randomOf(seed)
      const until = performance.now() + randomForMs
      while (performance.now() < until) {
        await befall(proxy, random)
        await sleep(random.integer(250))
      }
      await load.progress(forMs)
    })
  })

  test('nothing hangs past retry.forMs when the server is silent or away, and all goes on when it is back', async () => {
    const { proxy, url } = line()
    await using place = await placeOn(at, url)
    const client = await at.open(place.url)
    const retry = { forMs: 1_500 }
    for (const outage of ['stall', 'down'] as const) {
      const auth = await open(client.store, { retry })
      await put(auth, { a: '1', c: '1' })
      proxy[outage]()
      const list = async () => {
        for await (const _ of auth.state.keys.listIds('lid-mapping')) break
      }
      const calls = [put(auth, { a: '2' }), pick(auth, 'b'), list(), open(client.store, { retry })]
      const failing = Promise.all(calls.map(rejection))
      // By a timer of this process, which stands still with it: less than the second that a probe would take.
      const codes = (await within(failing, 'all calls to fail', retry.forMs + 600)).map(({ code }) => code)
      expect(codes).toEqual(['WRITE_FAILED', 'READ_FAILED', 'READ_FAILED', 'READ_FAILED'])
      auth.state.creds.nextPreKeyId += 1
      const saved = auth.saveCreds()
      if (outage === 'stall') proxy.drop()
      else await proxy.up()
      await saved
      await put(auth, { a: '3' })
      expect(await pick(auth, 'a')).toBe('3')
      expect(await pick(auth, 'c')).toBe('1')
      await auth.close()
    }
    await client.close()
  })
}

async function underLoad(
  at: ServerStore,
  { proxy, url }: Line,
  run: (load: Load, proxy: TcpProxy) => Promise<void>,
): Promise<void> {
  await using place = await placeOn(at, url)
  const load = await Load.start(at, place.url, { forMs })
  await load.progress(forMs)
  try {
    await run(load, proxy)
  } finally {
    await proxy.mend()
    await load.stop()
  }
}

async function befall(proxy: TcpProxy, random: Random): Promise<void> {
  const fault = random.pick(['before', 'within', 'after', 'cut', 'delay', 'stall', 'hold', 'down'])
  if (fault === 'before') proxy.cutBefore()
  else if (fault === 'within') proxy.cutWithin(random.integer(4_000))
  else if (fault === 'after') proxy.cutAfter()
  else if (fault === 'cut') proxy.cut()
  else if (fault === 'delay') {
    proxy.delayMs = random.integer(60)
    await sleep(300)
    proxy.delayMs = 0
  } else if (fault === 'stall') {
    proxy.stall()
    await sleep(random.integer(500))
    if (random.integer(2) === 0) proxy.cut()
    await sleep(random.integer(300))
    if (random.integer(2) === 0) proxy.release()
    else proxy.drop()
  } else if (fault === 'hold') {
    const held = proxy.hold(isBatch)
    await sleep(100)
    held.abandon()
    await sleep(random.integer(400))
    await held.deliver()
  } else {
    proxy.down()
    await sleep(random.integer(400))
    await proxy.up()
  }
}
