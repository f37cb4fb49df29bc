import { type BaileysLine, Bots, baileysLines } from './bots.ts'
import { connectSocket, endSocket, untilClosed, untilOpen, untilQr } from './client.ts'
import { memoryAuthState } from './memory-auth-state.ts'

const lines = Object.keys(baileysLines) as BaileysLine[]
const firstUpload = { '7': 812, '6.7': 30 }

let bots: Bots
beforeAll(async () => {
  bots = await Bots.start()
})
afterEach(() => bots.endAll())
afterAll(() => bots[Symbol.asyncDispose]())

describe.each(lines)('Baileys %s', line => {
  const baileys = baileysLines[line]

  test('pairs by QR code, restarts with 515, logs in and uploads its pre-keys', async () => {
    const { server } = bots
    const before = { ...server.counts }
    const uploads: number[] = []
    server.on('keys', ({ count }) => uploads.push(count))
    const bot = await bots.pair(line)
    expect(bot.auth.creds.account?.accountSignatureKey).toHaveLength(32)
    expect(bot.jid).toBe(`${bot.number}:1@s.whatsapp.net`)
    expect(bot.auth.creds.me?.lid).toMatch(/^\d+:1@lid$/)
    expect(uploads).toEqual([firstUpload[line]])
    expect(server.preKeysLeft(bot.jid)).toBe(firstUpload[line])
    expect(server.online()).toEqual([bot.jid])
    expect(server.counts).toEqual({ ...before, pairings: before.pairings + 1, logins: before.logins + 1 })
  })

  test('gets the app-state key of its phone, and does not wait for a history', async () => {
    const bot = await bots.pair(line)
    const peer = await bots.pair(line)
    await peer.sock.sendMessage(bot.user, { text: 'at once' })
    await bot.inbox.untilTexts(['at once'], 3000)
    expect([...bot.auth.records.keys()].filter(name => name.startsWith('app-state-sync-key/'))).toHaveLength(
      1,
    )
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
    const second = connectSocket({ baileys, auth, server: bots.server })
    await untilOpen(second)
    expect(auth.creds.me?.id).toBe(jid)
    await endSocket(second)
  })

  test('keeps its identity through a restart, and uploads nothing again', async () => {
    const bot = await bots.pair(line)
    const uploads: number[] = []
    bots.server.on('keys', ({ count }) => uploads.push(count))
    await endSocket(bot.sock)
    await bots.reconnect(bot)
    expect(bot.auth.creds.me?.id).toBe(bot.jid)
    expect(uploads).toEqual([])
  })

  test('links a second device of the same user', async () => {
    const one = await bots.pair(line)
    const two = await bots.pair(line, one.number)
    expect(two.jid).toBe(`${one.number}:2@s.whatsapp.net`)
  })

  test('is refused with 401 under an identity that the server does not know', async () => {
    const bot = await bots.pair(line)
    await endSocket(bot.sock)
    const stranger = memoryAuthState()
    stranger.creds.me = { id: bot.jid, name: 'stranger' }
    const sock = connectSocket({ baileys, auth: stranger, server: bots.server })
    expect(await untilClosed(sock)).toBe(401)
  })
})

test('a scan of a code that no client shows is an error', async () => {
  await expect(bots.server.scan('2@unknown,AA==,AA==,AA==', '15550001')).rejects.toThrow(
    'unknown or has expired',
  )
})

test('a server that is not trusted is refused by Baileys 7', async () => {
  const { WA_CERT_DETAILS } = baileysLines['7']
  const sock = connectSocket({ baileys: baileysLines['7'], auth: memoryAuthState(), server: bots.server })
  WA_CERT_DETAILS.PUBLIC_KEY = Buffer.alloc(32, 9)
  expect(await untilClosed(sock)).toBe(400)
})
