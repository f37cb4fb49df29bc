import type { ServerName } from '../servers/server.ts'
import type { ServerStore } from './server-store.ts'

type StoreServerName = Exclude<ServerName, 'pgbouncer'>

/** Each loads its client only where it is asked for. */
const loaders: { readonly [name in StoreServerName]: () => Promise<ServerStore> } = {
  postgres: async () => (await import('./postgres.ts')).postgresServerStore,
  mysql: async () => (await import('./mysql.ts')).mysqlServerStore,
  redis: async () => (await import('./redis.ts')).redisServerStore,
  'redis-cluster': async () => (await import('./redis-cluster.ts')).redisClusterServerStore,
  mongodb: async () => (await import('./mongodb.ts')).mongodbServerStore,
}

const serverOfScheme: { readonly [scheme: string]: StoreServerName } = {
  'postgres:': 'postgres',
  'postgresql:': 'postgres',
  'mysql:': 'mysql',
  'mariadb:': 'mysql',
  'redis:': 'redis',
  'rediss:': 'redis',
  'redis-cluster:': 'redis-cluster',
  'mongodb:': 'mongodb',
  'mongodb+srv:': 'mongodb',
}

/** The schemes of URLs that name a store on a server. */
export const serverSchemes: readonly string[] = Object.keys(serverOfScheme)

/** Whether a URL names a store on a server. */
export function isServerUrl(url: string): boolean {
  return schemeOf(url) in serverOfScheme
}

/** How the store of such a URL is reached. @throws TypeError for another URL */
export async function serverStoreOf(url: string): Promise<ServerStore> {
  const name = serverOfScheme[schemeOf(url)]
  if (!name) throw new TypeError(`A server's URL begins with one of ${serverSchemes.join(', ')}`)
  return loaders[name]()
}

/** How the store on that server is reached. */
export function serverStore(name: StoreServerName): Promise<ServerStore> {
  return loaders[name]()
}

function schemeOf(url: string): string {
  return url.slice(0, url.indexOf(':') + 1)
}
