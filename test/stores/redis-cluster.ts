import { Cluster } from 'ioredis'
import { nodesOf } from '../servers/redis-cluster.ts'
import { ioredisAccess } from './ioredis-access.ts'
import { deleteKeys } from './redis.ts'
import type { ServerStore } from './server-store.ts'

/** Redis Cluster, by ioredis: `redis-cluster://host:port,host:port,host:port?prefix=bots:`. */
export const redisClusterServerStore: ServerStore = {
  name: 'Redis Cluster',
  server: 'redis-cluster',
  place(serverUrl, name) {
    const [addresses = ''] = serverUrl.split('?')
    return `${addresses}?prefix=${encodeURIComponent(`${name}:`)}`
  },
  ...ioredisAccess(connectRedisCluster),
  async erase(url) {
    const { client, prefix = 'authkit:' } = connectRedisCluster(url)
    await client.ping()
    await Promise.all(client.nodes('master').map(node => deleteKeys(node, prefix)))
    client.disconnect()
  },
}

/** A client for such a URL, and the prefix that it names. */
export function connectRedisCluster(url: string): { client: Cluster; prefix?: string } {
  const prefix = new URLSearchParams(url.split('?')[1]).get('prefix')
  const nodes = nodesOf(url).map(node => {
    const { hostname, port } = new URL(node)
    return { host: hostname, port: Number(port) }
  })
  const client = new Cluster(nodes)
  // Commands that meet an error say so themselves.
  client.on('error', () => {})
  return prefix === null ? { client } : { client, prefix }
}
