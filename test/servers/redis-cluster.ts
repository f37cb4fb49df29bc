import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { freePort } from './free-port.ts'
import { describeRedis, durable, ping, redis } from './redis.ts'
import type { Server, ServerKind } from './server.ts'
import { dataFolder, ServerProcess } from './server-process.ts'

/** A Redis Cluster of three masters. */
export const redisCluster: ServerKind = {
  name: 'redis-cluster',
  title: 'Redis Cluster',
  variable: 'REDIS_CLUSTER_URL',
  packages: ['redis-server'],
  service: 'redis-cluster',
  containerUrl: ports => urlOf(ports),
  find: () => redis.find(),
  start: program => startCluster(program),
  describe: async url => (await describeRedis(nodesOf(url)[0] ?? '')).replace(/^\S+/, '$& Cluster'),
}

const masters = 3
const slots = 16_384

/** The URLs of the nodes that a cluster's URL names. */
export function nodesOf(url: string): readonly string[] {
  const [addresses = ''] = url.replace(/^redis-cluster:\/\//, '').split(/[/?]/)
  return addresses.split(',').map(address => `redis://${address}`)
}

function urlOf(ports: readonly number[]): string {
  return `redis-cluster://${ports.map(port => `127.0.0.1:${port}`).join(',')}`
}

async function startCluster(program: string): Promise<Server> {
  const folder = await dataFolder('redis-cluster')
  const nodes = await Promise.all(Array.from({ length: masters }, () => startNode(program, folder.path)))
  const url = urlOf(nodes.map(({ port }) => port))
  const processes = nodes.map(({ process }) => process)
  await form(nodes.map(({ port, bus }) => ({ port, bus })))
  const kill = async () => {
    await Promise.all(processes.map(process => process.end('SIGKILL')))
  }
  const stop = async () => {
    await kill()
    await folder.remove()
  }
  return {
    url,
    kill,
    async restart() {
      await Promise.all(processes.map(process => process.restart()))
      await Promise.all(nodes.map(({ port }) => whole(port)))
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

async function startNode(
  program: string,
  folder: string,
): Promise<{ port: number; bus: number; process: ServerProcess }> {
  const [port, bus] = [await freePort(), await freePort()]
  const dir = join(folder, String(port))
  await mkdir(dir)
  const settings = {
    'cluster-enabled': 'yes',
    'cluster-port': String(bus),
    'cluster-announce-ip': '127.0.0.1',
  }
  const process = await ServerProcess.start({
    program,
    args: [
      ...durable(port, dir),
      ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    ],
    log: join(dir, 'log'),
    ready: () => ping(`redis://127.0.0.1:${port}`),
  })
  return { port, bus, process }
}

/** Gives each node its third of the slots, and lets all meet. */
async function form(nodes: readonly { port: number; bus: number }[]): Promise<void> {
  await Promise.all(
    nodes.map(async ({ port }, index) => {
      const first = Math.ceil((index * slots) / nodes.length)
      const last = Math.ceil(((index + 1) * slots) / nodes.length) - 1
      await asking(port, async client => {
        await client.call('cluster', ['SET-CONFIG-EPOCH', String(index + 1)])
        await client.call('cluster', ['ADDSLOTSRANGE', String(first), String(last)])
      })
    }),
  )
  const [first, ...others] = nodes
  if (!first) return
  await asking(first.port, async client => {
    for (const { port, bus } of others) {
      await client.call('cluster', ['MEET', '127.0.0.1', String(port), String(bus)])
    }
  })
  await Promise.all(nodes.map(({ port }) => whole(port)))
}

/** Resolves when the node knows all others, and that every slot is served. */
async function whole(port: number): Promise<void> {
  await asking(port, async client => {
    const until = performance.now() + 30_000
    for (;;) {
      const info = String(await client.call('cluster', ['INFO']))
      const known = Number(/^cluster_known_nodes:(\d+)/m.exec(info)?.[1])
      if (info.includes('cluster_state:ok') && known >= masters) return
      if (performance.now() > until) throw new Error(`The cluster does not come together:\n${info}`)
      await sleep(50)
    }
  })
}

async function asking(port: number, ask: (client: Redis) => Promise<void>): Promise<void> {
  const client = new Redis(port, '127.0.0.1')
  try {
    await ask(client)
  } finally {
    client.disconnect()
  }
}
