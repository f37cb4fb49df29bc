import { randomBytes } from 'node:crypto'
import { sharedServer } from '../../servers/shared-server.ts'
import type { ServerStore } from '../../stores/server-store.ts'

/** A place of a test's own on a server, which is erased at its end. */
export interface Place extends AsyncDisposable {
  readonly url: string
}

/** Names a new place on the server that all tests share, or on that of another URL. */
export async function placeOn(store: ServerStore, serverUrl?: string): Promise<Place> {
  const on = serverUrl ?? (await sharedServer(store.server)).url
  const url = store.place(on, `proof_${randomBytes(6).toString('hex')}`)
  // A failure here would hide the test's own: one that has left the server cut off, for example.
  return { url, [Symbol.asyncDispose]: () => store.erase(url).catch(() => {}) }
}
