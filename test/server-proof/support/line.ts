import type { Address } from '../../proxy/proxied-connection.ts'
import { TcpProxy } from '../../proxy/tcp-proxy.ts'
import { sharedServer } from '../../servers/shared-server.ts'
import { startServer } from '../../servers/start-server.ts'
import type { ServerStore } from '../../stores/server-store.ts'
import { announce, nodesOf } from './redis-nodes.ts'

/** A server that is reached through a proxy alone. */
export interface Line extends AsyncDisposable {
  readonly proxy: TcpProxy
  /** The server's URL through the proxy. */
  readonly url: string
}

/** Puts a proxy before a store's server. */
export async function lineTo({ server }: ServerStore): Promise<Line> {
  if (server === 'redis-cluster') return lineToCluster()
  const { url } = await sharedServer(server)
  const proxy = await TcpProxy.start(...addressesIn(url))
  const proxied = proxy.url(url)
  return {
    proxy,
    url: server === 'mongodb' ? direct(proxied) : proxied,
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  }
}

/** A cluster of its own: clients learn each other node's address from the nodes, which are told to name the proxy's. */
async function lineToCluster(): Promise<Line> {
  const own = await startServer('redis-cluster')
  const nodes = await nodesOf(addressesIn(own.url)[0])
  const proxy = await TcpProxy.start(...nodes)
  await announce(nodes, proxy.ports)
  return {
    proxy,
    url: proxy.url(own.url),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      await own.stop()
    },
  }
}

/** The driver asks a replica set's member for its other names, unless it is told to stay with this one. */
function direct(url: string): string {
  const changed = new URL(url)
  changed.searchParams.delete('replicaSet')
  changed.searchParams.set('directConnection', 'true')
  return changed.href
}

/** The addresses that a URL names, in its order. */
function addressesIn(url: string): [Address, ...Address[]] {
  const hosts = /^[a-z+-]+:\/\/(?:[^@/]*@)?([^/?]+)/.exec(url)?.[1]?.split(',') ?? []
  const [first, ...others] = hosts.map(each => {
    const [host = '', port] = each.split(':')
    return { host, port: Number(port) }
  })
  if (!first) throw new TypeError('The URL names no address.')
  return [first, ...others]
}
