import { mongodb } from './mongodb.ts'
import { mysql } from './mysql.ts'
import { pgbouncer } from './pgbouncer.ts'
import { postgres } from './postgres.ts'
import { redis } from './redis.ts'
import { redisCluster } from './redis-cluster.ts'
import type { ServerKind, ServerName } from './server.ts'

/** Every server that the tests need. */
export const serverKinds: readonly ServerKind[] = [postgres, pgbouncer, mysql, redis, redisCluster, mongodb]

/** The kind of that name. */
export function serverKind(name: ServerName): ServerKind {
  const kind = serverKinds.find(each => each.name === name)
  if (!kind)
    throw new TypeError(`There is no server ${name}: ${serverKinds.map(each => each.name).join(', ')}.`)
  return kind
}
