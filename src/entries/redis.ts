import { type RedisClient, type RedisStoreOptions, redisStore } from '../../adapters/redis.ts'
import { type AuthState, type AuthStateOptions, openAuthState } from '../auth-state.ts'
import { checkObject, commonOptions } from '../options.ts'

export type { IoredisClient, NodeRedisClient, RedisClient, RedisStoreOptions } from '../../adapters/redis.ts'
export { redisStore }

/** The options of {@link useRedisAuthState}. */
export interface RedisAuthStateOptions extends AuthStateOptions, RedisStoreOptions {}

/**
 * An auth state on a Redis or a Redis Cluster, which may hold any number of sessions, by the caller's client of ioredis
 * or node-redis. The client stays open.
 *
 * @throws TypeError for wrong options, and for what is no such client
 * @throws AuthStateError as `useAuthState`, and `STORE_UNUSABLE` for a client that is not connected, a wrong password,
 *   and a server that forbids what is needed
 *
 * @example
 * const auth = await useRedisAuthState(new Redis(url), { session: 'shop-1' })
 */
export async function useRedisAuthState(
  client: RedisClient,
  options: RedisAuthStateOptions,
): Promise<AuthState> {
  checkObject('options', options, ['session', 'prefix', 'replicas', ...commonOptions])
  const { prefix = 'authkit:', replicas = 0, ...rest } = options
  const store = redisStore(client, { prefix, replicas })
  return openAuthState(store, rest, { ownsStore: true })
}
