import { MongoClient } from 'mongodb'
import { mongoStore } from '../../adapters/mongodb.ts'
import { TcpProxy } from '../proxy/tcp-proxy.ts'
import { sharedServer } from '../servers/shared-server.ts'
import type { Backend, BackendData } from '../suite/index.ts'
import { freshName } from './mongodb-collections.ts'

/** A backend on the shared server; each case has a collection of its own. */
export async function mongodbBackend(): Promise<Backend> {
  const { url, title } = await sharedServer('mongodb')
  return { name: `mongodb on ${title}`, outages: true, create: () => createData(url) }
}

async function createData(url: string): Promise<BackendData> {
  const { hostname, port } = new URL(url)
  const proxy = await TcpProxy.start({ host: hostname, port: Number(port || 27017) })
  // Directly: members of a replica set would be found by their own addresses, past the proxy.
  const client = new MongoClient(proxy.url(url), {
    directConnection: true,
    serverSelectionTimeoutMS: 500,
    heartbeatFrequencyMS: 500,
  })
  const name = freshName()
  // The suite's own calls are not repeated: half a second, for outages, is little for a first handshake.
  await answered(client)
  return {
    async open() {
      const store = mongoStore(client.db().collection(name))
      await store.open()
      return store
    },
    async outage() {
      proxy.down()
      let ending: Promise<void> | undefined
      return () => {
        ending ??= proxy.up().then(() => answered(client))
        return ending
      }
    },
    async drop() {
      await client.close()
      await proxy[Symbol.asyncDispose]()
      const direct = new MongoClient(url)
      await direct.db().collection(name).drop()
      await direct.close()
    },
  }
}

/** Resolves when the client has noticed that connections of its pool are dead, and has one that works. */
async function answered(client: MongoClient): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const isUp = await client
      .db()
      .command({ ping: 1 })
      .then(
        () => true,
        () => false,
      )
    if (isUp) return
  }
  throw new Error('MongoDB does not answer.')
}
