import { redisStore } from '../../src/entries/redis.ts'
import { type ClientCase, clusterClients, redisClients } from '../adapters/redis-clients.ts'
import { redisServerStore } from '../stores/redis.ts'
import { redisClusterServerStore } from '../stores/redis-cluster.ts'
import type { ServerStore } from '../stores/server-store.ts'
import { proveLateDelivery } from './late-delivery.ts'
import { type Line, lineTo } from './support/line.ts'

// Each client has its own way with commands that had no answer when a connection broke: some send them again.
prove(redisServerStore, redisClients)
prove(redisClusterServerStore, clusterClients)

function prove(at: ServerStore, clients: readonly ClientCase[]): void {
  describe(at.name, () => {
    let line: Line | undefined
    beforeAll(async () => {
      line = await lineTo(at)
    })
    afterEach(() => line?.proxy.mend())
    afterAll(async () => {
      await line?.[Symbol.asyncDispose]()
    })
    const through = () => {
      if (!line) throw new Error('There is no proxy.')
      return line
    }
    for (const one of clients) {
      describe(one.name, () => proveLateDelivery(reachedBy(one, at), through))
    }
  })
}

/** The store with that client in place of its own. */
function reachedBy({ connect }: ClientCase, at: ServerStore): ServerStore {
  return {
    ...at,
    async open(url) {
      const [serverUrl = '', query] = url.split('?')
      const { client, end } = await connect(serverUrl)
      const store = redisStore(client, { prefix: new URLSearchParams(query).get('prefix') ?? '' })
      await store.open()
      const close = async () => {
        await store.close()
        end()
      }
      return { store, close, [Symbol.asyncDispose]: close }
    },
  }
}
