import { EventEmitter } from 'node:events'
import type { AuthState, BaileysEventEmitter } from '../../src/index.ts'
import { scopeOf } from '../../src/names.ts'
import { Actor } from '../engine/support/actor.ts'
import { aborted, pick, put, rejection, session } from '../engine/support/auth.ts'
import type { ServerStore } from '../stores/server-store.ts'
import { contentOf, look, recordsOf } from './support/content.ts'
import { placeOn } from './support/place.ts'

/** Declares the tests of rule 11: a session that is deleted past our code, as the guides' own logout code does. */
export function proveRemoved(at: ServerStore): void {
  test('pair, be logged out, delete, open again: a new identity, and nothing written by the old handle', async () => {
    await using place = await placeOn(at)
    const opener = at.opener(place.url, { session, logger: false })
    const old = await opener.open()
    const sock = bound(old)
    await pair(old)
    await put(old, { a: '1', b: '1' })
    const identity = old.state.creds.advSecretKey
    // As in the guides: the connection closes with 401, the bot deletes its data and connects again.
    sock.emit('connection.update', {
      connection: 'close',
      lastDisconnect: { error: loggedOut, date: new Date() },
    })
    await at.erase(place.url)
    const auth = await opener.open()
    expect(auth.state.creds.advSecretKey).not.toBe(identity)
    expect(auth.state.creds.account).toBeUndefined()
    expect(await aborted(old)).toBe('SESSION_REMOVED')
    await auth.saveCreds()
    await put(auth, { c: '1' })
    await look(at, place.url, async store => {
      const before = await contentOf(store)
      old.state.creds.nextPreKeyId = 99
      const late = [put(old, { a: 'late' }), old.saveCreds(), pick(old, 'a'), old.flush()]
      const codes = await Promise.all(late.map(rejection))
      expect(codes.map(({ code }) => code)).toEqual(codes.map(() => 'SESSION_REMOVED'))
      expect(await contentOf(store)).toEqual(before)
      expect(Object.keys(await recordsOf(store, scopeOf(session))).sort()).toEqual([
        '!fence',
        'creds',
        'lid-mapping/c',
      ])
    })
    await put(auth, { c: '2' })
    expect(await pick(auth, 'a')).toBeNull()
    await auth.close()
    await opener.close()
  })

  test('an owner in another process whose session was deleted and made anew writes nothing into the new one', async () => {
    await using place = await placeOn(at)
    await using owner = await Actor.start(place)
    await owner.open({ session, lease: { ttlMs: 2_000 } })
    await owner.act({ do: 'set', data: { a: '1' } })
    await at.erase(place.url)
    const opener = at.opener(place.url, { session, logger: false })
    const auth = await opener.open()
    await put(auth, { b: '1' })
    await look(at, place.url, async store => {
      const before = await contentOf(store)
      const { code } = await rejection(owner.act({ do: 'set', data: { a: 'late' } }))
      expect(['LEASE_LOST', 'SESSION_REMOVED']).toContain(code)
      expect(await owner.aborted).toMatchObject({ code })
      expect(await contentOf(store)).toEqual(before)
    })
    await auth.close()
    await opener.close()
  })

  test('remove() leaves nothing, and what is opened afterwards is new', async () => {
    await using place = await placeOn(at)
    const opener = at.opener(place.url, { session, logger: false })
    const old = await opener.open()
    await pair(old)
    await put(old, { a: '1' })
    const identity = old.state.creds.advSecretKey
    await old.remove()
    expect(await look(at, place.url, contentOf)).toEqual({})
    expect(await rejection(put(old, { a: 'late' }))).toMatchObject({ code: 'SESSION_REMOVED' })
    const auth = await opener.open()
    expect(auth.state.creds.advSecretKey).not.toBe(identity)
    await auth.close()
    await opener.close()
  })
}

const loggedOut = Object.assign(new Error('logged out'), { output: { statusCode: 401 } })

function bound(auth: AuthState): BaileysEventEmitter & EventEmitter {
  // Baileys' own emitter is one of these, with its events' names and payloads.
  const ev = new EventEmitter() as BaileysEventEmitter & EventEmitter
  auth.bind(ev)
  return ev
}

async function pair(auth: AuthState): Promise<void> {
  auth.state.creds.account = { details: Buffer.from('details') }
  await auth.saveCreds()
}
