import { randomBytes } from 'node:crypto'
import type { Cluster, Redis } from 'ioredis'
import { type RedisStoreOptions, redisStore } from '../../adapters/redis.ts'
import { sharedServer } from '../servers/shared-server.ts'
import { connectRedis, redisServerStore } from '../stores/redis.ts'
import { connectRedisCluster, redisClusterServerStore } from '../stores/redis-cluster.ts'
import type { ServerStore } from '../stores/server-store.ts'
import type { Backend } from '../suite/index.ts'

type Connect = (url: string) => { client: Redis | Cluster; prefix?: string }

/** The shared Redis; the stores of a case share a client. */
export function redisBackend(options: RedisStoreOptions = {}): Promise<Backend> {
  return backendOf(redisServerStore, connectRedis, options)
}

/** The shared Cluster. */
export function redisClusterBackend(): Promise<Backend> {
  return backendOf(redisClusterServerStore, connectRedisCluster, {})
}

/** A key prefix of a test's own. */
export function freshPrefix(): string {
  return `authkit_${randomBytes(6).toString('hex')}:`
}

async function backendOf(
  serverStore: ServerStore,
  connect: Connect,
  options: RedisStoreOptions,
): Promise<Backend> {
  const { url, title } = await sharedServer(serverStore.server)
  return {
    name: `redis on ${title}`,
    async create() {
      const place = serverStore.place(url, `authkit_${randomBytes(6).toString('hex')}`)
      const { client, prefix = '' } = connect(place)
      return {
        async open() {
          const store = redisStore(client, { prefix, ...options })
          await store.open()
          return store
        },
        async drop() {
          client.disconnect()
          await serverStore.erase(place)
        },
      }
    },
  }
}
