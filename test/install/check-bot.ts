import assert from 'node:assert/strict'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { repository } from '../built.ts'
import { GuideBot } from '../guides/guide-bot.ts'
import { Bots } from '../whatsapp/bots.ts'

const script = 'reconnect.mjs'
const number = '15559001'

/**
 * Runs a guide's bot in a project where the packed package and Baileys are installed: it pairs, is killed, comes back
 * without a QR code, gets what was sent meanwhile, and answers.
 */
export async function checkBot(folder: string): Promise<void> {
  await copyFile(join(repository, 'test/guides/bots', script), join(folder, script))
  await using bots = await Bots.start()
  await using bot = new GuideBot({ folder, script, server: bots.server })
  const user = `${number}@s.whatsapp.net`
  const peer = await bots.pair('7')
  bot.start()
  const jid = await bots.server.scan(await bot.until('QR '), number)
  assert.equal(await bot.until('open as '), jid)
  await bots.send(peer, user, 'before the kill')
  await bot.until('got before the kill')
  await bot.kill()

  await bots.send(peer, user, 'while it was dead')
  bot.start()
  assert.equal(await bot.until('open as '), jid)
  await bot.until('got while it was dead')
  await bots.send(peer, user, 'ping')
  await peer.inbox.untilTexts(['pong'], 30_000)
  assert.equal(bot.linesOf('QR ').length, 1)
  assert.equal(bot.errors, '')
}
