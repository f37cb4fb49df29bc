import { scopeOf } from '../../src/names.ts'
import { open, pick, put, rejection, session, stored } from '../engine/support/auth.ts'
import { containing } from '../proxy/tcp-proxy.ts'
import type { ServerStore } from '../stores/server-store.ts'
import { recordsOf } from './support/content.ts'
import type { Line } from './support/line.ts'
import { placeOn } from './support/place.ts'

/** Declares the test of rule 3: what a network delivers late changes nothing. */
export function proveLateDelivery(at: ServerStore, line: () => Line): void {
  test('a stalled batch that is delivered after its own retry and after the next batch changes nothing', async () => {
    const { proxy, url } = line()
    await using place = await placeOn(at, url)
    const client = await at.open(place.url)
    const auth = await open(client.store)
    await put(auth, { a: 'before' })
    const held = proxy.hold(containing('stalled'))
    const first = put(auth, { a: 'stalled', b: 'stalled' })
    await held.met
    held.abandon()
    await first
    expect(await stored(client.store, 'a')).toBe('stalled')
    await put(auth, { a: 'next' })
    const before = await recordsOf(client.store, scopeOf(session))
    await held.deliver()
    expect(await recordsOf(client.store, scopeOf(session))).toEqual(before)
    expect(await stored(client.store, 'a')).toBe('next')
    expect(await pick(auth, 'a')).toBe('next')
    expect(auth.signal.aborted).toBe(false)
    await put(auth, { a: 'last' })
    expect(await stored(client.store, 'a')).toBe('last')
    await auth.close()
    await client.close()
  })

  test('a stalled batch that is delivered after another owner took over changes nothing', async () => {
    const { proxy, url } = line()
    await using place = await placeOn(at, url)
    const [client, other] = [await at.open(place.url), await at.open(place.url)]
    const auth = await open(client.store, { lease: { ttlMs: 20_000 } })
    await put(auth, { a: 'before' })
    const held = proxy.hold(containing('stalled'))
    const first = rejection(put(auth, { a: 'stalled' }))
    await held.met
    const next = await open(other.store, { lease: { onHeld: 'takeOver' } })
    await put(next, { a: 'next' })
    const before = await recordsOf(other.store, scopeOf(session))
    await held.deliver()
    expect(await first).toMatchObject({ code: 'LEASE_LOST' })
    expect(await recordsOf(other.store, scopeOf(session))).toEqual(before)
    expect(await pick(next, 'a')).toBe('next')
    await next.close()
    await client.close()
    await other.close()
  })
}
