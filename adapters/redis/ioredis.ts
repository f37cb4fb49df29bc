import type { Driver, IoredisClient, OwnConnection } from './client.ts'
import { orLost } from './losses.ts'

/** The client of ioredis as a driver. It puts its `keyPrefix` before the keys of scripts by itself. */
export function ioredisDriver(client: IoredisClient): Driver {
  return {
    isCluster: client.isCluster === true,
    keyPrefix: String(Object(Object(client).options).keyPrefix ?? ''),
    get isClosed() {
      return client.status === 'end'
    },
    evalSha: (sha, keys, args) =>
      orLost(client, () => client.call('evalsha', [sha, keys.length, ...keys, ...args])),
    eval: (lua, keys, args) =>
      orLost(client, () => client.call('eval', [lua, keys.length, ...keys, ...args])),
    configGet: pattern => client.call('config', ['GET', pattern]),
    duplicate: () => ownConnection(Object(client.duplicate())),
  }
}

interface OwnClient extends IoredisClient {
  on(event: string, listener: () => void): unknown
  disconnect(): void
}

function ownConnection(client: OwnClient): OwnConnection {
  let losses = 0
  client.on('close', () => {
    losses += 1
  })
  // The commands that meet an error say so themselves.
  client.on('error', () => {})
  return {
    ...ioredisDriver(client),
    get isClosed() {
      return client.status === 'end'
    },
    get losses() {
      return losses
    },
    // It keeps commands until it is connected, and fails them where it can't be.
    ready: async () => {},
    wait: async (replicas, timeoutMs) =>
      Number(await orLost(client, () => client.call('wait', [replicas, timeoutMs]))),
    end: () => client.disconnect(),
  }
}
