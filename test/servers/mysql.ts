import type { ServerKind } from './server.ts'

export const mysql: ServerKind = {
  name: 'mysql',
  title: 'mysql',
  variable: 'MYSQL_URL',
  packages: [],
  service: 'mysql',
  containerUrl: () => '',
  find: async () => undefined,
  start: async () => {
    throw new Error('not yet')
  },
  describe: async url => url,
}
