import type { Cluster as Cluster6, Redis as Redis6 } from 'ioredis'
import type { Cluster as Cluster5, Redis as Redis5 } from 'ioredis-5'
import * as redis6 from 'redis'
import * as redis5 from 'redis-5'
import type { AuthState } from '../../src/auth-state.ts'
import { type RedisClient, redisStore, useRedisAuthState } from '../../src/entries/redis.ts'
import type { Store } from '../../src/store.ts'

// Compiled, never run: what callers pass must be what the store takes.

export function taken(
  ioredis: readonly [Redis5, Cluster5, Redis6, Cluster6],
  nodes: readonly { host: string; port: number }[],
): readonly RedisClient[] {
  const rootNodes = nodes.map(socket => ({ socket }))
  return [
    ...ioredis,
    redis5.createClient(),
    redis5.createClient({ RESP: 3, commandOptions: { typeMapping: { [redis5.RESP_TYPES.MAP]: Map } } }),
    redis5.createClient().withTypeMapping({ [redis5.RESP_TYPES.BLOB_STRING]: Buffer }),
    redis5.createClientPool(),
    redis5.createCluster({ rootNodes }),
    redis6.createClient(),
    redis6.createClient({ RESP: 2 }),
    redis6.createClient().withTypeMapping({ [redis6.RESP_TYPES.BLOB_STRING]: Buffer }),
    redis6.createClientPool(),
    redis6.createCluster({ rootNodes }),
  ]
}

export function stores(
  ioredis: Redis6,
  cluster: Cluster6,
  sentinelClient: redis6.RedisSentinelClientType,
): readonly Store[] {
  return [
    redisStore(ioredis),
    redisStore(cluster, { prefix: 'bots:' }),
    redisStore(redis6.createClient(), { replicas: 1 }),
    // @ts-expect-error a promise of a client is none
    redisStore(redis6.createClient().connect()),
    // @ts-expect-error neither is a URL
    redisStore('redis://127.0.0.1'),
    // @ts-expect-error a sentinel's client sends commands again by itself
    redisStore(redis5.createSentinel({ name: 'main', sentinelRootNodes: [] })),
    // @ts-expect-error so does the newer one
    redisStore(redis6.createSentinel({ name: 'main', sentinelRootNodes: [] })),
    // @ts-expect-error and what it lends
    redisStore(sentinelClient),
  ]
}

export function states(ioredis: Redis6): readonly Promise<AuthState>[] {
  return [
    useRedisAuthState(ioredis, { session: 'shop-1' }),
    useRedisAuthState(ioredis, { session: 'shop-1', prefix: 'bots:', replicas: 1, lease: { waitMs: 0 } }),
    // @ts-expect-error a session is required
    useRedisAuthState(ioredis, { prefix: 'bots:' }),
  ]
}
