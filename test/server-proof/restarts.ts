import { setTimeout as sleep } from 'node:timers/promises'
import { Actor } from '../engine/support/actor.ts'
import { fenceOf, hasSettled, pick, session } from '../engine/support/auth.ts'
import type { Server } from '../servers/server.ts'
import { startServer } from '../servers/start-server.ts'
import type { ServerStore } from '../stores/server-store.ts'
import { look } from './support/content.ts'
import { Load } from './support/load.ts'
import { placeOn } from './support/place.ts'

const kills = 3
const ttlMs = 7_000
const forMs = 60_000

/** Declares tests on a server of their own, which is killed and started again. */
export function proveRestarts(at: ServerStore): void {
  let server: Server

  beforeAll(async () => {
    server = await startServer(at.server)
  })

  afterAll(async () => {
    await server.stop()
  })

  test(`a server that is killed ${kills} times under load loses nothing, and its writers go on by themselves`, async () => {
    const { url } = await placeOn(at, server.url)
    const load = await Load.start(at, url, { forMs })
    await load.progress(forMs)
    for (let kill = 0; kill < kills; kill++) {
      await sleep(Math.random() * 200)
      await server.kill()
      await sleep(200)
      await server.restart()
      await load.progress(forMs)
    }
    await load.stop()
  })

  test('a standby that waits while the database is away for longer than the time to live does not steal the session', async () => {
    const { url } = await placeOn(at, server.url)
    await using owner = await Actor.start({ url })
    await owner.open({ session, lease: { ttlMs }, retry: { forMs } })
    await owner.act({ do: 'set', data: { a: '1' } })
    const before = await look(at, url, fenceOf)
    const lease = { ttlMs, waitMs: Number.POSITIVE_INFINITY }
    const standby = at.opener(url, { session, lease, retry: { forMs }, logger: false })
    const opening = standby.open()
    // Long enough for it to connect, and to find the session held.
    await sleep(1_000)
    await server.kill()
    await sleep(ttlMs * 1.25)
    // The standby shall be the first to see the database again, and the heart standing still as it did before.
    owner.stop()
    await server.restart()
    // Longer than any pause between two attempts of the standby's.
    await sleep(2_500)
    owner.resume()
    await owner.act({ do: 'set', data: { a: '2' } })
    await sleep(ttlMs * 1.25)
    expect(await hasSettled(opening)).toBe(false)
    await owner.act({ do: 'set', data: { a: '3' } })
    expect((await look(at, url, fenceOf))?.owner).toBe(before?.owner)
    await owner.act({ do: 'close' })
    const auth = await opening
    expect(await pick(auth, 'a')).toBe('3')
    await auth.close()
    await standby.close()
  })
}
