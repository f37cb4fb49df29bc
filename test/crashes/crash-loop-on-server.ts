import { randomBytes } from 'node:crypto'
import { sharedServer } from '../servers/shared-server.ts'
import type { ServerStore } from '../stores/server-store.ts'
import { crashLoop } from './crash-loop.ts'

/** Declares a {@link crashLoop} in a place of its own on the server that all tests share. */
export function crashLoopOnServer(store: ServerStore): void {
  const name = `crashes_${randomBytes(6).toString('hex')}`
  const storeIn = async () => {
    const { url } = await sharedServer(store.server)
    return { url: store.place(url, name), session: 'crashes' }
  }
  crashLoop(store.name, storeIn, { longLivesMs: [200, 700], erase: ({ url }) => store.erase(url) })
}
