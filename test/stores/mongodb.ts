import { type Collection, MongoClient } from 'mongodb'
import { mongoStore, useMongoAuthState } from '../../src/entries/mongodb.ts'
import type { ServerStore } from './server-store.ts'

/** MongoDB: a place is a collection, which its URL names by `authkitCollection`. */
export const mongodbServerStore: ServerStore = {
  name: 'MongoDB',
  server: 'mongodb',
  place: (serverUrl, name) =>
    `${serverUrl}${serverUrl.includes('?') ? '&' : '?'}${parameter}=${encodeURIComponent(name)}`,
  async open(url) {
    const { client, collection } = connect(url)
    const store = mongoStore(collection)
    const close = async () => {
      await store.close()
      await client.close()
    }
    try {
      await store.open()
    } catch (error) {
      await client.close()
      throw error
    }
    return { store, close, [Symbol.asyncDispose]: close }
  },
  opener(url, options) {
    let connected: ReturnType<typeof connect> | undefined
    return {
      open() {
        connected ??= connect(url)
        return useMongoAuthState(connected.collection, options)
      },
      async close() {
        await connected?.client.close()
      },
    }
  },
  async erase(url) {
    const { client, collection } = connect(url)
    await collection.drop()
    await client.close()
  },
}

const parameter = 'authkitCollection'

/**
 * The least there is. Where the driver polls a server, as it does with mongo-java-server and MongoDB before 4.4, a poll
 * that a lost connection sets off while the monitor's own is being lost never ends, and the client is dead for good; one
 * that comes less than half a second after another is put off.
 */
const heartbeatFrequencyMS = 500

/** The client connects with its first call. */
function connect(url: string): { client: MongoClient; collection: Collection } {
  const place = new RegExp(`[?&]${parameter}=([^&]*)`)
  const name = decodeURIComponent(place.exec(url)?.[1] ?? 'authkit')
  const client = new MongoClient(url.replace(place, ''), {
    serverSelectionTimeoutMS: 5000,
    heartbeatFrequencyMS,
  })
  return { client, collection: client.db().collection(name) }
}
