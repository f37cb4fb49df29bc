import { once } from 'node:events'
import { type BaileysLine, type Bot, Bots, baileysLines } from './bots.ts'
import { connectSocket, untilClosed, untilOpen } from './client.ts'

const lines = Object.keys(baileysLines) as BaileysLine[]

// The waits inside say what they wait for.
let bots: Bots
beforeAll(async () => {
  bots = await Bots.start()
})
afterAll(() => bots[Symbol.asyncDispose]())

describe.each(lines)('Baileys %s', line => {
  const baileys = baileysLines[line]
  let bot: Bot

  beforeAll(async () => {
    bots.server.delay(5)
    bot = await bots.pair(line)
    bots.server.delay(0)
  })

  test('the older of two sockets of one identity is closed with 440', async () => {
    const closed = untilClosed(bot.sock)
    const newer = bots.own(connectSocket({ baileys, auth: bot.auth, server: bots.server }))
    await untilOpen(newer)
    expect(await closed).toBe(440)
    expect(bots.server.online()).toContain(bot.jid)
    bot.sock = newer
  })

  test.each([500, 503, 515])('a stream error %i is what the bot sees', async code => {
    const closed = untilClosed(bot.sock)
    bots.server.close(bot.jid, code)
    expect(await closed).toBe(code)
    await bots.reconnect(bot)
  })

  test('a failure is what the bot sees, also at its next login', async () => {
    const closed = untilClosed(bot.sock)
    bots.server.fail(bot.jid, 403)
    expect(await closed).toBe(403)
    bots.server.refuse(bot.jid, 405)
    expect(await untilClosed(connectSocket({ baileys, auth: bot.auth, server: bots.server }))).toBe(405)
    bots.server.refuse(bot.jid, undefined)
    await bots.reconnect(bot)
  })

  test('a cut connection is 428', async () => {
    const closed = untilClosed(bot.sock)
    bots.server.drop(bot.jid)
    expect(await closed).toBe(428)
    await bots.reconnect(bot)
  })

  test('a device that is logged out is closed with 401, and never let in again', async () => {
    const closed = untilClosed(bot.sock)
    bots.server.logOut(bot.jid)
    expect(await closed).toBe(401)
    expect(await untilClosed(connectSocket({ baileys, auth: bot.auth, server: bots.server }))).toBe(401)
  })

  test('a client that logs out is unlinked', async () => {
    const other = await bots.pair(line)
    const gone = once(bots.server, 'close')
    await other.sock.logout()
    await gone
    expect(await untilClosed(connectSocket({ baileys, auth: other.auth, server: bots.server }))).toBe(401)
  })
})
