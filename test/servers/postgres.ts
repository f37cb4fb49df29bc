import type { ServerKind } from './server.ts'

export const postgres: ServerKind = {
  name: 'postgres',
  title: 'postgres',
  variable: 'POSTGRES_URL',
  packages: [],
  service: 'postgres',
  containerUrl: () => '',
  find: async () => undefined,
  start: async () => {
    throw new Error('not yet')
  },
  describe: async url => url,
}
