import { join } from 'node:path'
import { Redis } from 'ioredis'
import { findProgram } from './find-program.ts'
import { freePort } from './free-port.ts'
import type { Server, ServerKind } from './server.ts'
import { dataFolder, ServerProcess } from './server-process.ts'

/** A Redis that acknowledges nothing before it is on the disk. */
export const redis: ServerKind = {
  name: 'redis',
  title: 'Redis',
  variable: 'REDIS_URL',
  packages: ['redis-server'],
  service: 'redis',
  containerUrl: ([port]) => `redis://127.0.0.1:${port}`,
  find: () => findProgram(['redis-server', 'valkey-server'], ['/usr/local/bin', '/opt/redis/bin']),
  start: program => startRedis(program),
  describe: url => describeRedis(url),
}

/** A server of Redis whose process tests may stop for a while. */
export interface RedisServer extends Server {
  readonly pid: number
}

/** Starts a Redis with further settings, each as on its command line: `['--requirepass', 'secret']`. */
export async function startRedis(program: string, settings: readonly string[] = []): Promise<RedisServer> {
  const [port, folder] = [await freePort(), await dataFolder('redis')]
  const password = settings[settings.indexOf('--requirepass') + 1]
  const login = settings.includes('--requirepass') ? `:${password}@` : ''
  const url = `redis://${login}127.0.0.1:${port}`
  const process = await ServerProcess.start({
    program,
    args: [...durable(port, folder.path), ...settings],
    log: join(folder.path, 'log'),
    ready: () => ping(url),
  })
  const stop = async () => {
    await process.end('SIGKILL')
    await folder.remove()
  }
  return {
    url,
    get pid() {
      return process.pid
    },
    kill: () => process.end('SIGKILL'),
    restart: () => process.restart(),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** Settings that lose nothing, on a port of the loopback interface. */
export function durable(port: number, folder: string): readonly string[] {
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    'protected-mode': 'yes',
    dir: folder,
    appendonly: 'yes',
    appendfsync: 'always',
    save: '',
    daemonize: 'no',
  }
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
}

/** The server's name and version, as it says. Rejects where nothing answers. */
export async function describeRedis(url: string): Promise<string> {
  const info = await once(url, client => client.info('server'))
  const valkey = /^valkey_version:(\S+)/m.exec(info)?.[1]
  return valkey === undefined
    ? `Redis ${/^redis_version:(\S+)/m.exec(info)?.[1] ?? 'of unknown version'}`
    : `Valkey ${valkey}`
}

/** Resolves when the server answers to commands. */
export async function ping(url: string): Promise<void> {
  await once(url, client => client.ping())
}

async function once<T>(url: string, ask: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, {
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    connectTimeout: 2000,
    lazyConnect: true,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    return await ask(client)
  } finally {
    client.disconnect()
  }
}
