import type { Driver, NodeRedisClient, OwnConnection } from './client.ts'

/** The client of node-redis as a driver: a client, a pool or a cluster. */
export function nodeRedisDriver(client: NodeRedisClient): Driver {
  return {
    isCluster: 'masters' in client,
    keyPrefix: String(Object(client)._keyPrefix ?? ''),
    get isClosed() {
      return !client.isOpen
    },
    evalSha: (sha, keys, args) => client.evalSha(sha, { keys: [...keys], arguments: [...args] }),
    eval: (lua, keys, args) => client.eval(lua, { keys: [...keys], arguments: [...args] }),
    configGet: pattern => client.configGet(pattern),
    duplicate: () => ownConnection(client),
  }
}

interface OwnClient extends NodeRedisClient {
  on(event: string, listener: () => void): unknown
  sendCommand(args: string[]): Promise<unknown>
  destroy(): void
}

async function ownConnection(original: NodeRedisClient): Promise<OwnConnection> {
  const client: OwnClient = Object(original).duplicate()
  let losses = 0
  // Without a listener an error would end the process; the commands that meet it say so themselves.
  for (const event of ['error', 'reconnecting', 'end']) {
    client.on(event, () => {
      losses += 1
    })
  }
  await client.connect()
  return {
    ...nodeRedisDriver(client),
    get isClosed() {
      return !client.isOpen
    },
    get losses() {
      return losses
    },
    wait: async (replicas, timeoutMs) =>
      Number(await client.sendCommand(['WAIT', String(replicas), String(timeoutMs)])),
    async end() {
      if (client.isOpen) client.destroy()
    },
  }
}
