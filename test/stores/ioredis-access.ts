import type { Cluster, Redis } from 'ioredis'
import { redisStore, useRedisAuthState } from '../../src/entries/redis.ts'
import type { ServerStore } from './server-store.ts'

/** A client of ioredis for a URL, and the prefix that the URL names. */
export interface ConnectedRedis {
  readonly client: Redis | Cluster
  readonly prefix?: string
}

/** How a store on Redis or a Redis Cluster is opened by URL, with a client of ioredis that `connect` makes. */
export function ioredisAccess(
  connect: (url: string) => ConnectedRedis,
): Pick<ServerStore, 'open' | 'opener'> {
  return {
    async open(url) {
      const { client, ...options } = connect(url)
      const store = redisStore(client, options)
      const close = async () => {
        await store.close()
        client.disconnect()
      }
      try {
        await store.open()
      } catch (error) {
        await close()
        throw error
      }
      return { store, close, [Symbol.asyncDispose]: close }
    },
    opener(url, options) {
      let connected: ConnectedRedis | undefined
      return {
        open() {
          connected ??= connect(url)
          const { client, ...place } = connected
          return useRedisAuthState(client, { ...options, ...place })
        },
        async close() {
          connected?.client.disconnect()
        },
      }
    },
  }
}
