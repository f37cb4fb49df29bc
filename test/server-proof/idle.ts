import { setTimeout as sleep } from 'node:timers/promises'
import type { AuthState } from '../../src/auth-state.ts'
import { open, put } from '../engine/support/auth.ts'
import { containing, type TcpProxy, type Traffic } from '../proxy/tcp-proxy.ts'
import type { ServerStore } from '../stores/server-store.ts'
import type { Line } from './support/line.ts'
import { placeOn } from './support/place.ts'

const ttlMs = 2_000
const periodMs = ttlMs / 4
const periods = 6
const many = 50

/** Declares the test of what idle sessions cost, beside its driver's own round trips. */
export function proveIdle(at: ServerStore, line: () => Line, driverPollsEveryMs: number): void {
  test(`an idle session costs nothing, and its process one heartbeat a period: 1 session as much as ${many}`, async () => {
    const { proxy, url } = line()
    await using place = await placeOn(at, url)
    const client = await at.open(place.url)
    const sessions: AuthState[] = []
    const openUpTo = async (count: number) => {
      while (sessions.length < count) {
        const auth = await open(client.store, { session: `idle ${sessions.length}`, lease: { ttlMs } })
        await put(auth, { a: '1' })
        sessions.push(auth)
      }
      // What the last writes leave to be done afterwards is done.
      await sleep(periodMs * 2)
    }
    for (const count of [1, many]) {
      await openUpTo(count)
      const { beats, turns, connections, tookMs } = await measure(proxy)
      // A beat may be on its way at either end.
      expect(Math.abs(beats - periods)).toBeLessThanOrEqual(1)
      const polls = Math.ceil(tookMs / driverPollsEveryMs) + 1
      expect(turns).toBeLessThanOrEqual(periods + 1 + polls)
      expect(connections).toBe(0)
    }
    await Promise.all(sessions.map(auth => auth.close()))
    await client.close()
  })
}

interface Idling extends Pick<Traffic, 'turns' | 'connections'> {
  readonly beats: number
  readonly tookMs: number
}

/**
 * What goes through the proxy in some periods. Where this process or the server stands still for longer than one, beats
 * are missing, and the next is so late that all sessions look at their fences, as they should: it is measured again.
 */
async function measure(proxy: TcpProxy): Promise<Idling> {
  for (let tries = 5; ; tries--) {
    const beats = proxy.count(containing('!heartbeat'))
    const startedAt = performance.now()
    const { turns, connections } = await proxy.during(() => sleep(periods * periodMs))
    beats.undo()
    const isUndisturbed = Math.abs(beats.count - periods) <= 1
    if (isUndisturbed || tries === 1)
      return { beats: beats.count, turns, connections, tookMs: performance.now() - startedAt }
  }
}
