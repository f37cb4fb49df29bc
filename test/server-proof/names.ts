import type { AuthState } from '../../src/auth-state.ts'
import { scopeOf } from '../../src/names.ts'
import type { Opener, ServerStore } from '../stores/server-store.ts'
import { contentOf, look } from './support/content.ts'
import { placeOn } from './support/place.ts'

const names: readonly string[] = [
  'bot1',
  'bot10',
  'bot',
  'a%',
  'A',
  'a',
  'ä',
  'a\u0308',
  'Ä',
  '{x}',
  '{y}',
  '*',
  '?',
  '_',
  '%',
  '[a-z]',
  '🤖'.repeat(190),
  '🤖'.repeat(189),
  "'",
  '"',
  "'; drop table authkit; --",
  '\0',
  'a\0',
  '../../etc/passwd',
  '/',
  '$where',
  '!fence',
  '!owners',
  '__proto__',
  ' a',
  'a ',
]

/** Those whose removal has taken others with it elsewhere. */
const removed: readonly string[] = ['bot1', 'a%', 'a', '*', '{x}', '%', '\0', '🤖'.repeat(190)]

/** Declares the test of promise 11 for the names of sessions, through the function that users call. */
export function proveNames(at: ServerStore): void {
  test('sessions whose names are patterns, paths, quotes or alike are kept apart, and removed alone', async () => {
    await using place = await placeOn(at)
    const opened = new Map<string, { auth: AuthState; opener: Opener }>()
    const openAll = async () => {
      for (const session of names) {
        const opener = at.opener(place.url, { session, logger: false })
        opened.set(session, { opener, auth: await opener.open() })
      }
    }
    const closeAll = async () => {
      for (const { auth, opener } of opened.values()) {
        await auth.close()
        await opener.close()
      }
    }
    await openAll()
    const identities = new Map<string, string>()
    for (const [session, { auth }] of opened) {
      await Promise.all([auth.state.keys.set(recordsOf(session)), auth.saveCreds()])
      identities.set(session, auth.state.creds.advSecretKey)
    }
    await closeAll()
    await openAll()
    for (const [session, { auth }] of opened) {
      expect(auth.state.creds.advSecretKey).toBe(identities.get(session))
      expect(await auth.state.keys.get('lid-mapping', [...names])).toEqual(recordsOf(session)['lid-mapping'])
    }
    const left = await look(at, place.url, contentOf)
    expect(Object.keys(left)).toHaveLength(names.length)
    for (const session of removed) {
      await opened.get(session)?.auth.remove()
      delete left[scopeOf(session)]
      expect(await look(at, place.url, contentOf)).toEqual(left)
    }
    await closeAll()
  })
}

/** Records whose ids are the hostile names, too. */
function recordsOf(session: string): { 'lid-mapping': { [id: string]: string } } {
  return { 'lid-mapping': Object.fromEntries(names.map(name => [name, `${session} ${name}`])) }
}
