import type { WAMessageKey } from '@whiskeysockets/baileys'
import { BotHandle } from '../bot/bot-handle.ts'
import { decryptedBefore } from '../bot/bot-line.ts'
import type { BotStore } from '../bot/bot-store.ts'
import { type BaileysLine, type Bot, Bots, brokenSession } from '../whatsapp/bots.ts'
import { within } from '../whatsapp/within.ts'

const kills = 4
/** Baileys 7 knows no sender key for a message to a group. */
const noSenderKey = 'No session found to decrypt message'
const messages = 160

/** Declares a test that kills a bot in mid-stream again and again, on a store that each run makes anew. */
export function killedInMidStream(
  line: BaileysLine,
  name: string,
  storeIn: () => BotStore | Promise<BotStore>,
): void {
  test(
    `a bot on Baileys ${line} and ${name} is killed in mid-stream, never pairs again, and has every message of people and groups`,
    () => killBot(line, storeIn),
    300_000,
  )
}

async function killBot(line: BaileysLine, storeIn: () => BotStore | Promise<BotStore>): Promise<void> {
  await using bots = await Bots.start()
  await using bot = new BotHandle({
    store: await storeIn(),
    line,
    server: { url: bots.server.url, root: bots.server.root },
  })
  bot.start()
  const { qr } = await bot.until('qr')
  const paired = bot.until('open')
  await bots.server.scan(qr, '15559000')
  await paired
  const textOfId = new Map<string, string>()
  // Every guide asks for this: without it nothing can be sent again. Baileys 7 asks for group messages that came in
  // another order than they were sent, since it can't use the keys that it kept for them.
  const getMessage = async ({ id }: WAMessageKey) => ({ conversation: textOfId.get(id ?? '') ?? '' })
  const member = await bots.pair('7', undefined, { getMessage })
  // Not in the group: 6.7 asks for what it can't read there seconds later, also after its end.
  const friend = await bots.pair('6.7', undefined, { getMessage })
  const senders = [member, friend]
  const user = '15559000@s.whatsapp.net'
  const group = bots.server.createGroup([user, member.user])
  const idOfText = new Map<string, string>()

  const sending = Promise.all(senders.map((sender, index) => sendShare(sender, index)))
  for (let kill = 1; kill <= kills; kill++) {
    await untilCame(Math.floor((kill * messages) / (kills + 1)))
    await bot.kill()
    bot.start()
    expect(await bot.until('opened')).toMatchObject({ paired: true })
    await bot.until('open')
  }
  await sending
  await untilCame(messages)

  expect(missing()).toEqual([])
  expect(bots.server.counts.pairings).toBe(1 + senders.length)
  expect(bot.log.filter(text => brokenSession.test(text) && !isOfKill(text))).toEqual([])

  await repliesReach()
  await bot.stop()

  /**
   * What a kill between two transactions of Baileys leaves: a message whose decryption is stored comes again, and, where
   * it brought a member's sender key, which Baileys stores only after that, this member's messages to the group can't be
   * read before they are sent again.
   */
  function isOfKill(text: string): boolean {
    return text.includes(decryptedBefore) || (text.includes(noSenderKey) && bot.seenBefore.size > 0)
  }

  async function sendShare(sender: Bot, index: number): Promise<void> {
    for (let number = index; number < messages; number += senders.length) {
      const to = sender === member && number % 3 === 0 ? group : user
      const text = `${to === group ? 'to the group' : 'to the bot'}: ${number}`
      const id = await bots.send(sender, to, text)
      idOfText.set(text, id)
      textOfId.set(id, text)
    }
  }

  function missing(): string[] {
    const texts = new Set(bot.decrypted)
    return [...idOfText]
      .filter(([text, id]) => !texts.has(text) && !bot.seenBefore.has(id))
      .map(([text]) => text)
  }

  function untilCame(count: number): Promise<void> {
    const came = new Promise<void>(resolve => {
      const look = () => {
        if (idOfText.size - missing().length < count) return
        bot.off('line', look)
        resolve()
      }
      bot.on('line', look)
      look()
    })
    return within(
      came,
      `${count} messages (missing: ${missing().slice(0, 5)}; log: ${bot.log.slice(-5)})`,
      120_000,
    )
  }

  /**
   * One after the other: what a get brings late overwrites, in 6.7's transactions, what another send has set meanwhile,
   * so that one key encrypts two messages to the same person, and the second can't be read.
   */
  async function repliesReach(): Promise<void> {
    for (const sender of senders) {
      const text = `reply to ${sender.number}`
      bot.send({ to: sender.user, text })
      await sender.inbox.untilTexts([text], 60_000)
    }
    bot.send({ to: group, text: 'reply to all' })
    await member.inbox.untilTexts(['reply to all'], 60_000)
  }
}
