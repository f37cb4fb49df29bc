import type { ServerKind } from './server.ts'

export const mongodb: ServerKind = {
  name: 'mongodb',
  title: 'mongodb',
  variable: 'MONGODB_URL',
  packages: [],
  service: 'mongodb',
  containerUrl: () => '',
  find: async () => undefined,
  start: async () => {
    throw new Error('not yet')
  },
  describe: async url => url,
}
