import { randomBytes } from 'node:crypto'
import { sharedServer } from '../servers/shared-server.ts'
import type { Backend } from '../suite/index.ts'
import type { OpenedStore } from './server-store.ts'
import { serverStore } from './server-stores.ts'

/** The suite's backend on a shared server, each case in a place of its own, and each store with a client of its own. */
export async function serverBackend(name: Parameters<typeof serverStore>[0]): Promise<Backend> {
  const [{ place, open, erase }, { url, title }] = await Promise.all([serverStore(name), sharedServer(name)])
  return {
    name: title,
    async create() {
      const at = place(url, `authkit_${randomBytes(6).toString('hex')}`)
      const opened: OpenedStore[] = []
      return {
        async open() {
          const made = await open(at)
          opened.push(made)
          return made.store
        },
        async drop() {
          await Promise.all(opened.map(({ close }) => close()))
          await erase(at)
        },
      }
    },
  }
}
