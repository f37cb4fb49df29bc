import type { ServerKind } from './server.ts'

export const redisCluster: ServerKind = {
  name: 'redis-cluster',
  title: 'redis-cluster',
  variable: 'REDIS_CLUSTER_URL',
  packages: [],
  service: 'redis-cluster',
  containerUrl: () => '',
  find: async () => undefined,
  start: async () => {
    throw new Error('not yet')
  },
  describe: async url => url,
}
