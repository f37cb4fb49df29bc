import { decryptedBefore } from '../bot/bot-line.ts'
import { type BaileysLine, type Bot, Bots, brokenSession } from '../whatsapp/bots.ts'
import { pairGuide, setUpGuide } from './guide.ts'
import type { GuideBot } from './guide-bot.ts'

const scripts = ['reconnect.mjs', 'reconnect.cjs', 'cached-keys.mjs']
const lines: readonly BaileysLine[] = ['7', '6.7']
/** The codes by which WhatsApp ends a stream, and a connection that is cut without a word. */
const closings = [428, 503, 'drop', 515, 408, 500, 'drop'] as const

/** The name of the error of a message that came twice, where Baileys 7 logs no more of it. */
const counterError = '"error":{"name":"MessageCounterError"}'

let bots: Bots
let peer: Bot

beforeAll(async () => {
  bots = await Bots.start()
  peer = await bots.pair('7')
}, 30_000)

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

    const sentInBetween: [text: string, id: string][] = []
    for (const [turn, closing] of closings.entries()) {
      const text = `in between ${turn}`
      sentInBetween.push([text, await send(text)])
      if (closing === 'drop') bots.server.drop(jid)
      else bots.server.close(jid, closing)
      await bot.until('closed with ')
      expect(await bot.until('open as ')).toBe(jid)
      await send(`after ${turn}`)
      await bot.until(`got after ${turn}`)
    }
    await bots.server.untilAnswered(jid, 30_000)
    const isLost = ([text, id]: [string, string]): boolean =>
      !bot.lines.includes(`got ${text}`) && !seenBefore(bot).includes(id)
    expect(sentInBetween.filter(isLost)).toEqual([])

    await bot.kill()
    await send('while it was dead')
    bot.start()
    await bot.until('got while it was dead')
    await send('ping')
    await peer.inbox.untilTexts(['pong'], 30_000)
    peer.inbox.messages.length = 0

    expect(bot.linesOf('open as ').at(-1)).toBe(`open as ${jid}`)
    expect(bot.linesOf('QR ')).toHaveLength(1)
    expect(complaints(bot)).toEqual([])
  },
  120_000,
)

/**
 * The messages that Baileys decrypted, could not confirm since its connection was gone, and was sent again: both lines
 * hand those to nobody, with their own function as with ours.
 */
function seenBefore({ lines }: GuideBot): string[] {
  return lines.filter(line => line.startsWith('{') && line.includes(decryptedBefore)).map(idIn)
}

function idIn(line: string): string {
  const { key }: { key?: { id?: string } } = JSON.parse(line)
  return key?.id ?? ''
}

function complaints({ lines, errors }: GuideBot): string[] {
  const isComplaint = (line: string): boolean =>
    brokenSession.test(line) || /AuthState|Warning|[Uu]nhandled|listeners/.test(line)
  return [...lines.filter(line => !/^got |^\s/.test(line)), ...errors.split('\n')].filter(
    line => isComplaint(line) && !line.includes(decryptedBefore) && !line.includes(counterError),
  )
}
