import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type BaileysLine, type Bot, Bots, brokenSession } from '../whatsapp/bots.ts'
import { pairGuide, setUpGuide } from './guide.ts'

const users = ['ana', 'bruno', 'chloe'] as const

let bots: Bots
let peer: Bot

beforeAll(async () => {
  bots = await Bots.start()
  peer = await bots.pair('7')
})

afterAll(() => bots[Symbol.asyncDispose]())

test.each<BaileysLine>(['7', '6.7'])(
  'several users on Baileys %s live in one process and a folder each, and come and go independently',
  async line => {
    await using guide = await setUpGuide('several-users.mjs', line, bots)
    const { bot, project } = guide
    const numbers = { ana: 1, bruno: 2, chloe: 3 }
    const number = (user: keyof typeof numbers): string => `155564${line === '7' ? 0 : 1}${numbers[user]}`
    const answers = async (user: keyof typeof numbers): Promise<void> => {
      peer.inbox.messages.length = 0
      // Baileys sends before it stores the step of the ratchet: killed in between it would use that step twice.
      const stored = bot.until(`${user}: sent pong`)
      await bots.send(peer, `${number(user)}@s.whatsapp.net`, 'ping')
      await stored
      await peer.inbox.untilTexts([`pong from ${user}`], 60_000)
    }
    const jids = new Map<string, string>()
    bot.start()
    for (const user of users) bot.tell(`start ${user}`)
    for (const user of users) jids.set(user, await pairGuide(bot, bots, number(user), `${user}: `))
    for (const user of users) await answers(user)
    expect((await readdir(join(project.folder, 'sessions'))).sort()).toEqual(users)

    bot.tell('stop bruno')
    await bot.until('bruno: closed with undefined')
    bots.server.drop(jids.get('ana') ?? '')
    await bot.until('ana: closed with ')
    expect(await bot.until('ana: open as ')).toBe(jids.get('ana'))
    await answers('ana')
    await answers('chloe')
    bot.tell('start bruno')
    expect(await bot.until('bruno: open as ')).toBe(jids.get('bruno'))
    await answers('bruno')

    await bot.kill()
    bot.start()
    for (const user of ['bruno', 'chloe'] as const) bot.tell(`start ${user}`)
    for (const user of ['bruno', 'chloe'] as const) {
      expect(await bot.until(`${user}: open as `)).toBe(jids.get(user))
      await answers(user)
    }
    expect(bots.server.online()).not.toContain(jids.get('ana'))
    expect(bot.lines.filter(text => text.includes(': QR '))).toHaveLength(users.length)
    expect(bot.errors).not.toMatch(brokenSession)
    expect(bot.errors).not.toMatch(/AuthState|Warning|[Uu]nhandled/)
  },
)
