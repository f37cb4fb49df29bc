import assert from 'node:assert/strict'
import type { AuthKeyStore } from '../../src/auth-types.ts'

/** Asserts what reads and writes of a session are asked as; `asked` tells the commands that a piece of work sent. */
export async function assertRoundTrips(
  keys: AuthKeyStore,
  asked: (work: () => Promise<unknown>) => Promise<string[]>,
): Promise<void> {
  for (const count of [1, 100, 1000]) {
    const ids = Array.from({ length: count }, (_, at) => `${count}-${at}`)
    assert.deepEqual(await asked(async () => keys.get('session', ids)), ['evalsha'], `get of ${count}`)
    assert.deepEqual(await asked(async () => keys.get('session', ids)), [], `get of ${count}, again`)
  }
  for (const count of [1, 812]) {
    const records = Object.fromEntries(
      Array.from({ length: count }, (_, at) => [`set-${count}-${at}`, Buffer.from(`${at}`)]),
    )
    const set = async () => {
      await keys.set({ session: records })
    }
    assert.deepEqual(await asked(set), ['evalsha'], `set of ${count}`)
  }
}
