import type { ServerKind } from './server.ts'

export const redis: ServerKind = {
  name: 'redis',
  title: 'redis',
  variable: 'REDIS_URL',
  packages: [],
  service: 'redis',
  containerUrl: () => '',
  find: async () => undefined,
  start: async () => {
    throw new Error('not yet')
  },
  describe: async url => url,
}
