import { credsName, isReserved } from '../names.ts'
import { hiddenUnder } from '../sealed-marks.ts'
import type { Entry, Store } from '../store.ts'
import { withTimeout } from './clock.ts'
import { type RecordCache, recordBytes } from './record-cache.ts'

/** What a session holds beside its creds: nothing, records, or some under names that were hidden by sealing. */
export type Held = 'none' | 'some' | 'hidden'

/** What a whole session was found to hold. */
export interface Preloaded {
  readonly creds: string | undefined
  readonly others: Held
}

/** However large the cache: a store has it all in memory once, and so has a server. */
const mostBytes = 128 * 1024 * 1024

/**
 * Fills a new session's cache with every record that the session has, as far as the cache has room, so that whatever
 * is read first costs no round trip, above all what is absent. Nobody else may write meanwhile: the lease is held.
 *
 * `undefined` where it did not come to the end: the session is too large, or the store failed. Then records are read
 * when they are asked for; an error is met there by whoever asks.
 */
export async function preload(
  store: Store,
  scope: string,
  cache: RecordCache,
  pageMs: number,
): Promise<Preloaded | undefined> {
  const { room } = cache
  let bytes = 0
  if (room <= 0) return undefined
  // Half of it: two bytes a character is what the cache counts.
  const pageBytes = Math.min(Math.ceil(room / 2), mostBytes)
  const pages = store.list(scope, { values: true, pageBytes, wholeOnly: true })[Symbol.asyncIterator]()
  const records = new Map<string, string>()
  let creds: string | undefined
  let others: Held = 'none'
  try {
    for (;;) {
      const page = await withTimeout(pages.next(), pageMs)
      if (page.done) break
      for (const { name, value = '' } of page.value) {
        if (isReserved(name)) continue
        if (name === credsName) {
          creds = value
          continue
        }
        if (hiddenUnder(name) !== undefined) others = 'hidden'
        else if (others === 'none') others = 'some'
        // A list may give a name twice.
        const before = records.get(name)
        bytes += recordBytes(name, value) - (before === undefined ? 0 : recordBytes(name, before))
        if (bytes > room) return undefined
        records.set(name, value)
      }
    }
  } catch {
    return undefined
  } finally {
    // Not awaited: one that hangs in a page would hang in this as well.
    void pages.return?.()?.catch(() => {})
  }
  cache.fill(records, bytes)
  return { creds, others }
}

/** The same for a session that holds no creds, without its values. Throws what the store threw. */
export async function recordsHeld(store: Store, scope: string): Promise<Held> {
  let held: Held = 'none'
  for await (const page of store.list(scope)) {
    if (page.some(({ name }) => hiddenUnder(name) !== undefined)) return 'hidden'
    if (page.some(({ name }: Entry) => !isReserved(name))) held = 'some'
  }
  return held
}
