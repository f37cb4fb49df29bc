import type { SharedServer } from './keeper.ts'
import type { ServerName } from './server.ts'

export type { SharedServer } from './keeper.ts'

/**
 * The server of that kind that all test files share, started by the first that asks. Each keeps to names of its own
 * there (tables, prefixes, collections), and nobody stops it.
 */
export async function sharedServer(name: ServerName): Promise<SharedServer> {
  const keeper = process.env.AUTHKIT_SERVERS
  if (!keeper) throw new Error('No server is shared here. Run the tests by `npm test`.')
  const response = await fetch(`${keeper}/${name}`)
  const text = await response.text()
  if (!response.ok) throw new Error(text)
  return JSON.parse(text)
}
