import { Redis } from 'ioredis'
import { ioredisAccess } from './ioredis-access.ts'
import type { ServerStore } from './server-store.ts'

/** Redis, by ioredis. The place in a URL is the key prefix, behind the number of the database: `redis://host/0?prefix=bots:`. */
export const redisServerStore: ServerStore = {
  name: 'Redis',
  server: 'redis',
  place(serverUrl, name) {
    const url = new URL(serverUrl)
    url.searchParams.set('prefix', `${name}:`)
    return url.href
  },
  ...ioredisAccess(connectRedis),
  async erase(url) {
    const { client, prefix = 'authkit:' } = connectRedis(url)
    await deleteKeys(client, prefix)
    client.disconnect()
  },
}

/** Deletes every key of one server that begins with a prefix, as an operator does by hand. */
export async function deleteKeys(client: Redis, prefix: string): Promise<void> {
  const match = `${prefix.replace(/[*?[\]\\^-]/g, '\\$&')}*`
  let cursor = '0'
  do {
    const [next, keys] = await client.scan(cursor, 'MATCH', match, 'COUNT', 1000)
    // One by one: on a Cluster they are of different slots.
    await Promise.all(keys.map(key => client.del(key)))
    cursor = next
  } while (cursor !== '0')
}

/** A client for such a URL, and the prefix that it names. */
export function connectRedis(url: string): { client: Redis; prefix?: string } {
  const parsed = new URL(url)
  const prefix = parsed.searchParams.get('prefix')
  parsed.search = ''
  const client = new Redis(parsed.href)
  // Commands that meet an error say so themselves.
  client.on('error', () => {})
  return prefix === null ? { client } : { client, prefix }
}
