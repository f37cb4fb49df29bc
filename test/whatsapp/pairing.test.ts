import { Curve } from 'baileys-6'
import { type BaileysLine, type Bot, Bots, baileysLines } from './bots.ts'
import { connectSocket, endSocket, untilClosed, untilOpen, untilQr } from './client.ts'
import { memoryAuthState } from './memory-auth-state.ts'
import { isSignedBy } from './xeddsa.ts'

const lines = Object.keys(baileysLines) as BaileysLine[]
const firstUpload = { '7': 812, '6.7': 30 }

// The waits inside say what they wait for.
let bots: Bots
beforeAll(async () => {
  bots = await Bots.start()
})
afterAll(() => bots[Symbol.asyncDispose]())

describe.each(lines)('Baileys %s', line => {
  const baileys = baileysLines[line]
  const uploads: string[] = []
  let bot: Bot

  test('pairs by QR code, restarts with 515, logs in and uploads its pre-keys', async () => {
    const { server } = bots
    const before = { ...server.counts }
    server.on('keys', ({ jid, count }) => uploads.push(`${jid} ${count}`))
    bot = await bots.pair(line)
    expect(bot.jid).toBe(`${bot.number}:1@s.whatsapp.net`)
    expect(bot.auth.creds.me?.lid).toMatch(/^\d+:1@lid$/)
    expect(bot.auth.creds.account?.accountSignatureKey).toHaveLength(32)
    expect(bot.auth.creds.registered).toBe(false)
    expect(uploads).toEqual([`${bot.jid} ${firstUpload[line]}`])
    expect(server.preKeysLeft(bot.jid)).toBe(firstUpload[line])
    expect(server.online()).toContain(bot.jid)
    expect(server.counts).toEqual({ ...before, pairings: before.pairings + 1, logins: before.logins + 1 })
  })

  test('links a second device of the same user, which reaches the first one at once', async () => {
    const second = await bots.pair(line, bot.number)
    expect(second.jid).toBe(`${bot.number}:2@s.whatsapp.net`)
    // Were a history missing, Baileys would hold the message back for 20 s.
    await second.sock.sendMessage(bot.user, { text: 'to myself' })
    await bot.own.untilTexts(['to myself'], 15_000)
    expect([...bot.auth.records.keys()].filter(name => name.startsWith('app-state-sync-key/'))).toHaveLength(
      1,
    )
  })

  test('keeps its identity through a restart, and uploads nothing again', async () => {
    uploads.length = 0
    await endSocket(bot.sock)
    await bots.reconnect(bot)
    expect(bot.auth.creds.me?.id).toBe(bot.jid)
    expect(uploads).toEqual([])
  })

  test('is refused with 401 under an identity that the server does not know', async () => {
    const stranger = memoryAuthState()
    stranger.creds.me = { id: bot.jid, name: 'stranger' }
    expect(await untilClosed(connectSocket({ baileys, auth: stranger, server: bots.server }))).toBe(401)
    expect(bots.server.online()).toContain(bot.jid)
  })

  test('pairs by a code that is typed into the phone', async () => {
    const auth = memoryAuthState()
    const first = connectSocket({ baileys, auth, server: bots.server })
    const closed = untilClosed(first)
    await untilQr(first)
    const number = line === '7' ? '15559997' : '15559996'
    const jid = await bots.server.enterCode(await first.requestPairingCode(number), number)
    expect(await closed).toBe(515)
    expect(auth.creds.registered).toBe(true)
    await untilOpen(bots.own(connectSocket({ baileys, auth, server: bots.server })))
    expect(auth.creds.me?.id).toBe(jid)
  })

  test('refuses a server whose root it does not trust', async () => {
    const sock = connectSocket({ baileys, auth: memoryAuthState(), server: bots.server })
    baileys.WA_CERT_DETAILS.SERIAL = 7
    expect(await untilClosed(sock)).toBe(400)
  })
})

test('a scan of a code that no client shows is an error', async () => {
  await expect(bots.server.scan('2@unknown,AA==,AA==,AA==', '15550001')).rejects.toThrow(
    'unknown or has expired',
  )
})

test('a signature is told from one of another key or message', () => {
  for (let round = 0; round < 8; round++) {
    const { private: key, public: own } = Curve.generateKeyPair()
    const signature = Curve.sign(key, Buffer.from('message'))
    expect(isSignedBy(own, Buffer.from('message'), signature)).toBe(true)
    expect(isSignedBy(own, Buffer.from('another'), signature)).toBe(false)
    expect(isSignedBy(Curve.generateKeyPair().public, Buffer.from('message'), signature)).toBe(false)
  }
})
