import { once } from 'node:events'
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
    duplicate: () => ownConnection(Object(client).duplicate()),
  }
}

interface OwnClient extends NodeRedisClient {
  readonly isReady: boolean
  on(event: string, listener: (error?: unknown) => void): unknown
  sendCommand(args: string[]): Promise<unknown>
  destroy(): void
}

function ownConnection(client: OwnClient): OwnConnection {
  let losses = 0
  let refusal: unknown
  let isDialing = true
  const ended = new AbortController()
  const destroy = () => {
    if (client.isOpen) client.destroy()
  }
  const dialed = () => {
    isDialing = false
    if (ended.signal.aborted) destroy()
  }
  // Without a listener an error would end the process; the commands that meet it say so themselves.
  client.on('error', error => {
    losses += 1
    refusal = error
    dialed()
  })
  client.on('reconnecting', () => {
    losses += 1
    isDialing = true
  })
  client.on('end', () => {
    losses += 1
  })
  client.on('connect', dialed)
  // Where the server lets nobody in it is tried again for ever, so whoever writes waits for a while only.
  client.connect().catch(() => {})
  return {
    ...nodeRedisDriver(client),
    get isClosed() {
      return !client.isOpen
    },
    get losses() {
      return losses
    },
    async ready(withinMs) {
      if (client.isReady) return
      const patience = new AbortController()
      const timer = setTimeout(() => patience.abort(), withinMs)
      try {
        await once(Object(client), 'ready', { signal: AbortSignal.any([ended.signal, patience.signal]) })
      } catch {
        throw (
          refusal ?? new Error(`the connection that waits for replicas was not made within ${withinMs} ms`)
        )
      } finally {
        clearTimeout(timer)
      }
    },
    wait: async (replicas, timeoutMs) =>
      Number(await client.sendCommand(['WAIT', String(replicas), String(timeoutMs)])),
    end() {
      ended.abort()
      // A socket that is on its way would come up in spite of that, so it is met.
      if (!isDialing) destroy()
    },
  }
}
