import type { BotHandle } from '../bot/bot-handle.ts'
import { decryptedBefore } from '../bot/bot-line.ts'
import type { Bot, Bots } from '../whatsapp/bots.ts'
import { brokenSession } from '../whatsapp/bots.ts'
import type { DemoOptions } from './options.ts'
import type { Progress } from './progress.ts'
import type { Report } from './report.ts'

const senderCount = 3
const patienceMs = 20_000

/** Sends the messages, kills the bot in their midst, and waits until it has them all, or gets no further. */
export async function deliver(parts: {
  readonly bots: Bots
  readonly bot: BotHandle
  readonly options: DemoOptions
  readonly progress: Progress
}): Promise<Omit<Report, 'kills' | 'pairings' | 'store' | 'sealed' | 'seconds'>> {
  const { bots, bot, options, progress } = parts
  const senders = await Promise.all(Array.from({ length: senderCount }, () => bots.pair('7')))
  const idOfText = new Map<string, string>()
  const resumes: number[] = []
  const user = `${bot.jid.split(/[:@]/)[0]}@s.whatsapp.net`

  const decryptedCount = () => {
    const texts = new Set(bot.decrypted)
    return [...idOfText].filter(([text, id]) => texts.has(text) || bot.seenBefore.has(id)).length
  }
  const show = () =>
    progress.show({ sent: idOfText.size, decrypted: decryptedCount(), kills: resumes.length })

  const sending = Promise.all(senders.map((sender, index) => sendShare(sender, index)))
  await kills()
  await sending
  await untilQuiet()
  const decrypted = decryptedCount()
  return {
    sent: idOfText.size,
    decrypted,
    lost: idOfText.size - decrypted,
    untold: [...idOfText].filter(([text, id]) => bot.seenBefore.has(id) && !bot.decrypted.includes(text))
      .length,
    resumeMs: Math.round(median(resumes)),
    senders: senderCount,
    complaints: bot.log.filter(text => brokenSession.test(text) && !text.includes(decryptedBefore)),
  }

  async function sendShare(sender: Bot, index: number): Promise<void> {
    for (let number = index; number < options.messages; number += senderCount) {
      const text = `message ${number}`
      idOfText.set(text, await bots.send(sender, user, text))
      show()
    }
  }

  /** Kills the bot each time another share of the messages has come through, and starts it again. */
  async function kills(): Promise<void> {
    for (let kill = 1; kill <= options.kills; kill++) {
      await untilDecrypted(Math.floor((kill * options.messages) / (options.kills + 1)))
      await bot.kill()
      const startedAt = performance.now()
      bot.start()
      await bot.until('open')
      resumes.push(performance.now() - startedAt)
      show()
    }
  }

  function untilDecrypted(count: number): Promise<void> {
    return new Promise(resolve => {
      const look = () => {
        if (bot.decrypted.length < count) return
        bot.off('line', look)
        resolve()
      }
      bot.on('line', look)
      look()
    })
  }

  async function untilQuiet(): Promise<void> {
    let last = -1
    let lastAt = performance.now()
    while (decryptedCount() < idOfText.size && performance.now() - lastAt < patienceMs) {
      if (decryptedCount() !== last) {
        last = decryptedCount()
        lastAt = performance.now()
      }
      show()
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0
}
