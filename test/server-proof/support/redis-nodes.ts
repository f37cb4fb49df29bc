import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Address } from '../../proxy/proxied-connection.ts'

/** A node of a cluster. */
export interface Node extends Address {
  /** Where it listens to the other nodes. */
  readonly busPort: number
}

/** All nodes of the cluster that one of them belongs to. */
export async function nodesOf(one: Address): Promise<Node[]> {
  const lines = await ask(one, 'CLUSTER', 'NODES')
  return String(lines)
    .split('\n')
    .filter(line => line !== '')
    .map(line => {
      const [, host = '', port, busPort] = /^\S+ ([^:]+):(\d+)@(\d+)/.exec(line) ?? []
      return { host, port: Number(port), busPort: Number(busPort) }
    })
}

/** Has each node name the port that stands for it to clients; resolves when every node names all of them. */
export async function announce(nodes: readonly Node[], ports: readonly number[]): Promise<void> {
  for (const [index, node] of nodes.entries()) {
    // Set first: by default the bus is looked for beside the port that is announced.
    await ask(node, 'CONFIG', 'SET', 'cluster-announce-bus-port', String(node.busPort))
    await ask(node, 'CONFIG', 'SET', 'cluster-announce-port', String(ports[index]))
  }
  for (const node of nodes) {
    while (!(await namesAll(node, ports))) await sleep(50)
  }
}

async function namesAll(node: Address, ports: readonly number[]): Promise<boolean> {
  const slots = JSON.stringify(await ask(node, 'CLUSTER', 'SLOTS'))
  return ports.every(port => slots.includes(`,${port},`))
}

async function ask({ host, port }: Address, command: string, ...args: string[]): Promise<unknown> {
  const client = new Redis(port, host, { lazyConnect: true, maxRetriesPerRequest: 1 })
  try {
    await client.connect()
    return await client.call(command, ...args)
  } finally {
    client.disconnect()
  }
}
