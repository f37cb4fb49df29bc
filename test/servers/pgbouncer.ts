import type { ServerKind } from './server.ts'

export const pgbouncer: ServerKind = {
  name: 'pgbouncer',
  title: 'pgbouncer',
  variable: 'PGBOUNCER_URL',
  packages: [],
  service: 'pgbouncer',
  containerUrl: () => '',
  find: async () => undefined,
  start: async () => {
    throw new Error('not yet')
  },
  describe: async url => url,
}
