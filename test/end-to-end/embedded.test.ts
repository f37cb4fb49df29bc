import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BotStore } from '../bot/bot-store.ts'
import { killedInMidStream } from './killed-in-mid-stream.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authkit-end-to-end-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

killedInMidStream('7', 'files', () => place('file:auth'))
killedInMidStream('6.7', 'files', () => place('file:auth'))
killedInMidStream('7', 'SQLite', () => place('sqlite:bots.db'))
killedInMidStream('6.7', 'SQLite', () => place('sqlite:bots.db'))
killedInMidStream('7', 'sealed files', () => sealedPlace('file:sessions'))
killedInMidStream('7', 'sealed SQLite', () => sealedPlace('sqlite:bots.db'))

function place(url: string): BotStore {
  const [scheme, name = ''] = url.split(':')
  return { url: `${scheme}:${join(folder, name)}`, session: 'shop-1' }
}

function sealedPlace(url: string): BotStore {
  return { ...place(url), sealKey: randomBytes(32).toString('base64') }
}
