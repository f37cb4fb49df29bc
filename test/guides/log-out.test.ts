import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BaileysLine, type Bot, Bots, brokenSession } from '../whatsapp/bots.ts'
import { pairGuide, setUpGuide } from './guide.ts'
import type { Project } from './project.ts'

let bots: Bots
let peer: Bot

beforeAll(async () => {
  bots = await Bots.start()
  peer = await bots.pair('7')
})

afterAll(() => bots[Symbol.asyncDispose]())

test.each<BaileysLine>(['7', '6.7'])(
  'a bot on Baileys %s that is logged out removes its folder and pairs anew, and nothing of the old identity comes back',
  async line => {
    await using guide = await setUpGuide('log-out.mjs', line, bots)
    const { bot, project } = guide
    const [first, second] = line === '7' ? ['15556301', '15556302'] : ['15556303', '15556304']
    bot.start()
    const jid = await pairGuide(bot, bots, first)
    await bots.send(peer, `${first}@s.whatsapp.net`, 'hello')
    await bot.until('got hello')
    const old = await bytesIn(project)

    // The last messages' keys are still on their way to the disk when the connection ends.
    const onTheirWay = Array.from({ length: 10 }, (_, n) =>
      bots.send(peer, `${first}@s.whatsapp.net`, `last ${n}`),
    )
    await onTheirWay[0]
    bots.server.logOut(jid)
    await bot.until('closed with 401')
    await Promise.allSettled(onTheirWay)
    const again = await pairGuide(bot, bots, second)
    await bots.send(peer, `${second}@s.whatsapp.net`, 'hello again')
    await bot.until('got hello again')
    expect(old.size).toBeGreaterThan(50)
    expect([...(await bytesIn(project))].filter(bytes => old.has(bytes))).toEqual([])

    await bot.kill()
    bot.start()
    expect(await bot.until('open as ')).toBe(again)
    await bots.send(peer, `${second}@s.whatsapp.net`, 'ping')
    await bot.until('got ping')
    expect([...(await bytesIn(project))].filter(bytes => old.has(bytes))).toEqual([])
    expect(bot.linesOf('QR ')).toHaveLength(2)
    expect(bot.errors).not.toMatch(brokenSession)
    // The closing socket's late writes are refused, of which its owner is told.
    expect(bot.errors.replace('[SESSION_REMOVED] BaileysAuthkitWarning', '')).not.toMatch(
      /AuthState|Warning|[Uu]nhandled/,
    )
  },
)

/** All keys and signatures in the session's folder, journal included. */
async function bytesIn({ folder }: Project): Promise<Set<string>> {
  const found = new Set<string>()
  const root = join(folder, 'auth_info_baileys')
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    // A file may be replaced between the two calls.
    const text = await readFile(join(entry.parentPath, entry.name), 'utf8').catch(() => '')
    for (const [bytes] of text.matchAll(/[\w+/]{43}=/g)) found.add(bytes)
  }
  return found
}
