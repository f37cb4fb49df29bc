import { randomBytes } from 'node:crypto'
import type { BotStore } from '../bot/bot-store.ts'
import { sharedServer } from '../servers/shared-server.ts'
import { serverStore } from '../stores/server-stores.ts'
import type { BaileysLine } from '../whatsapp/bots.ts'
import { killedInMidStream } from './killed-in-mid-stream.ts'

const lines: readonly BaileysLine[] = ['7', '6.7']

for (const name of ['postgres', 'mysql', 'redis', 'redis-cluster', 'mongodb'] as const) {
  for (const line of lines) {
    killedInMidStream(line, name, async () => place(name))
  }
}
killedInMidStream('7', 'sealed redis', async () => ({
  ...(await place('redis')),
  sealKey: randomBytes(32).toString('base64'),
}))

async function place(name: Parameters<typeof serverStore>[0]): Promise<BotStore> {
  const [store, { url }] = await Promise.all([serverStore(name), sharedServer(name)])
  return { url: store.place(url, `bot_${randomBytes(6).toString('hex')}`), session: 'shop-1' }
}
