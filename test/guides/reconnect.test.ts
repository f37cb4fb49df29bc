import { decryptedBefore } from '../bot/bot-line.ts'
import { type BaileysLine, type Bot, Bots, brokenSession } from '../whatsapp/bots.ts'
import { within } from '../whatsapp/within.ts'
import { pairGuide, setUpGuide } from './guide.ts'
import type { GuideBot } from './guide-bot.ts'

const scripts = ['reconnect.mjs', 'reconnect.cjs', 'cached-keys.mjs']
const lines: readonly BaileysLine[] = ['7', '6.7']
/** The codes by which WhatsApp ends a stream, and a connection that is cut without a word. */
const closings = [428, 503, 'drop', 515, 408, 500, 'drop'] as const

/** The name of the error of a message that came twice, where Baileys 7 logs no more of it. */
const counterError = '"error":{"name":"MessageCounterError"}'
/** A write of a socket that is at its end, refused because the next one has begun to write. */
const refusal = '"code":"SESSION_CLOSED"'

let bots: Bots
let peer: Bot

beforeAll(async () => {
  bots = await Bots.start()
  peer = await bots.pair('7')
})

afterAll(() => bots[Symbol.asyncDispose]())

test.each(lines.flatMap(line => scripts.map((script, index) => [line, script, index] as const)))(
  'a bot on Baileys %s connects again by calling its own function, by %s, and stays itself',
  async (line, script, index) => {
    await using guide = await setUpGuide(script, line, bots)
    const { bot } = guide
    const number = `1555620${lines.indexOf(line)}${index}`
    const send = (text: string): Promise<string> => bots.send(peer, `${number}@s.whatsapp.net`, text)
    bot.start()
    const jid = await pairGuide(bot, bots, number)
    const delivered = deliveredTo(jid)

    for (const [turn, closing] of closings.entries()) {
      // Both lines may hand a message to nobody whose confirmation the cut connection took with it, or that comes
      // while they are still opening, with their own function as with ours: it has to be answered, without a failure.
      await send(`in between ${turn}`)
      if (closing === 'drop') bots.server.drop(jid)
      else bots.server.close(jid, closing)
      const live = untilLive(jid)
      await bot.until('closed with ')
      expect(await bot.until('open as ')).toBe(jid)
      await live
      await bots.server.untilAnswered(jid, 60_000)
      await send(`after ${turn}`)
      await bot.until(`got after ${turn}`)
    }

    await bot.kill()
    await send('while it was dead')
    const live = untilLive(jid)
    bot.start()
    await live
    await bots.server.untilAnswered(jid, 60_000)
    await send('ping')
    await bot.until('got ping')
    await peer.inbox.untilTexts(['pong'], 60_000)
    peer.inbox.messages.length = 0

    expect(bot.linesOf('open as ').at(-1)).toBe(`open as ${jid}`)
    expect(bot.linesOf('QR ')).toHaveLength(1)
    expect(complaints(bot, delivered)).toEqual([])
  },
  240_000,
)

/** Resolves when the device has logged in once more and has been sent what waited for it. */
function untilLive(jid: string): Promise<void> {
  const live = new Promise<void>(resolve => {
    const listener = (event: { readonly jid: string }): void => {
      if (event.jid !== jid) return
      bots.server.off('live', listener)
      resolve()
    }
    bots.server.on('live', listener)
  })
  return within(live, `${jid} to be live`, 60_000)
}

/** The ids of the messages that the device says it has, as they come. */
function deliveredTo(jid: string): ReadonlySet<string> {
  const delivered = new Set<string>()
  bots.server.on('receipt', ({ from, id, type }) => {
    if (from === jid && type !== 'retry') delivered.add(id)
  })
  return delivered
}

/**
 * What should stand in no bot's output: messages that it can't decrypt, but for those that it has decrypted before. A
 * socket at its end may still be at a message when the next one begins to write; what it would store is refused, and
 * the message has to come again and be delivered.
 */
function complaints({ lines, errors }: GuideBot, delivered: ReadonlySet<string>): string[] {
  const isComplaint = (line: string): boolean =>
    brokenSession.test(line) || /AuthState|Warning|[Uu]nhandled|listeners/.test(line)
  const isMadeUpFor = (line: string): boolean => {
    if (line.includes(decryptedBefore) || line.includes(counterError)) return true
    const message = /"id":"(TEST\w+)"/.exec(line)?.[1]
    return line.includes(refusal) && (message === undefined || delivered.has(message))
  }
  return [...lines.filter(line => !/^got |^\s/.test(line)), ...errors.split('\n')].filter(
    line => isComplaint(line) && !isMadeUpFor(line),
  )
}
