import * as ioredis6 from 'ioredis'
import * as ioredis5 from 'ioredis-5'
import * as redis6 from 'redis'
import * as redis5 from 'redis-5'
import type { RedisClient } from '../../adapters/redis.ts'
import { nodesOf } from '../servers/redis-cluster.ts'

/** A way in which a bot reaches Redis. */
export interface ClientCase {
  readonly name: string
  /** A client that is connected. */
  connect(url: string): Promise<{ client: RedisClient; end(): void }>
}

/** Every client that is supported, its oldest and its newest major, also as settings of users make it. */
export const redisClients: readonly ClientCase[] = [
  ioredisCase('ioredis 5', url => new ioredis5.Redis(url)),
  ioredisCase('ioredis 6', url => new ioredis6.Redis(url)),
  ioredisCase('ioredis 5, connecting late', url => new ioredis5.Redis(url, { lazyConnect: true })),
  ioredisCase(
    'ioredis 5, numbers as texts',
    url => new ioredis5.Redis(url, { stringNumbers: true, showFriendlyErrorStack: true }),
  ),
  ioredisCase('ioredis 6, RESP3', url => new ioredis6.Redis(url, { protocol: 3 })),
  ioredisCase(
    'ioredis 5, pipelining by itself',
    url => new ioredis5.Redis(url, { enableAutoPipelining: true }),
  ),
  ioredisCase(
    'ioredis 6, pipelining by itself',
    url => new ioredis6.Redis(url, { enableAutoPipelining: true }),
  ),
  nodeRedisCase('node-redis 5', url => redis5.createClient({ url })),
  nodeRedisCase('node-redis 6', url => redis6.createClient({ url })),
  nodeRedisCase('node-redis 5, RESP3', url => redis5.createClient({ url, RESP: 3 })),
  nodeRedisCase('node-redis 6, RESP2', url => redis6.createClient({ url, RESP: 2 })),
  nodeRedisCase('node-redis 5, texts as buffers', url =>
    redis5.createClient({
      url,
      RESP: 3,
      commandOptions: {
        typeMapping: {
          [redis5.RESP_TYPES.BLOB_STRING]: Buffer,
          [redis5.RESP_TYPES.NUMBER]: String,
          [redis5.RESP_TYPES.MAP]: Map,
        },
      },
    }),
  ),
  nodeRedisCase('node-redis 6, texts as buffers', url =>
    redis6.createClient({
      url,
      commandOptions: {
        typeMapping: {
          [redis6.RESP_TYPES.BLOB_STRING]: Buffer,
          [redis6.RESP_TYPES.NUMBER]: String,
          [redis6.RESP_TYPES.MAP]: Array,
        },
      },
    }),
  ),
  nodeRedisCase('node-redis 5, a pool', url => redis5.createClientPool({ url }, { cleanupDelay: 50 })),
  nodeRedisCase('node-redis 6, a pool', url => redis6.createClientPool({ url }, { cleanupDelay: 50 })),
]

/** The same for a Cluster. */
export const clusterClients: readonly ClientCase[] = [
  ...[ioredis5, ioredis6].flatMap((module, at) =>
    [{}, { scaleReads: 'slave' as const }, { enableAutoPipelining: true }].map(options => ({
      name: `ioredis ${5 + at} ${JSON.stringify(options)}`,
      async connect(url: string) {
        const client = new module.Cluster(addressesOf(url), options)
        return { client, end: () => client.disconnect() }
      },
    })),
  ),
  ...[false, true].flatMap(useReplicas => [
    nodeRedisCase(`node-redis 5, useReplicas ${useReplicas}`, url =>
      redis5.createCluster({ rootNodes: rootNodesOf(url), useReplicas }),
    ),
    nodeRedisCase(`node-redis 6, useReplicas ${useReplicas}`, url =>
      redis6.createCluster({ rootNodes: rootNodesOf(url), useReplicas }),
    ),
  ]),
]

function ioredisCase(name: string, make: (url: string) => ioredis5.Redis | ioredis6.Redis): ClientCase {
  return {
    name,
    async connect(url) {
      const client = make(url)
      return { client, end: () => client.disconnect() }
    },
  }
}

interface Connectable {
  connect(): Promise<unknown>
  on(event: 'error', listener: () => void): unknown
  destroy(): void
}

function nodeRedisCase(name: string, make: (url: string) => RedisClient & Connectable): ClientCase {
  return {
    name,
    async connect(url) {
      const client = make(url)
      client.on('error', () => {})
      await client.connect()
      return { client, end: () => client.destroy() }
    },
  }
}

function addressesOf(url: string): { host: string; port: number }[] {
  return nodesOf(url).map(node => ({ host: new URL(node).hostname, port: Number(new URL(node).port) }))
}

function rootNodesOf(url: string): { url: string }[] {
  return nodesOf(url).map(node => ({ url: node }))
}
