import type { ServerName } from '../test/servers/server.ts'

/** What auth states of the benchmark lie on. */
export const allBackends = ['memory', 'files', 'SQLite', 'Redis', 'PostgreSQL', 'MySQL', 'MongoDB'] as const

/** What an auth state lies on. */
export type Backend = (typeof allBackends)[number]

/** One that outlives its process. */
export type DurableBackend = Exclude<Backend, 'memory'>

/** The server that a backend needs. */
export const serverOf: { readonly [backend in Backend]?: ServerName } = {
  Redis: 'redis',
  PostgreSQL: 'postgres',
  MySQL: 'mysql',
  MongoDB: 'mongodb',
}
