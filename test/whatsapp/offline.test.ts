import { proto } from '@whiskeysockets/baileys'
import { type BaileysLine, type Bot, Bots, baileysLines } from './bots.ts'
import { connectSocket, untilClosed } from './client.ts'
import { memoryAuthState } from './memory-auth-state.ts'
import { within } from './within.ts'

const lines = Object.keys(baileysLines) as BaileysLine[]

// The waits inside say what they wait for.
let bots: Bots
let sender: Bot
beforeAll(async () => {
  bots = await Bots.start()
  sender = await bots.pair('7')
})
afterAll(() => bots[Symbol.asyncDispose]())

describe.each(lines)('Baileys %s', line => {
  let receiver: Bot
  beforeAll(async () => {
    receiver = await bots.pair(line)
    await bots.send(sender, receiver.user, 'hello')
    await receiver.inbox.untilTexts(['hello'])
    await bots.server.untilAnswered(receiver.jid)
  })

  test('what was sent while it was away comes at its next login, in order', async () => {
    const closed = untilClosed(receiver.sock)
    bots.server.drop(receiver.jid)
    await closed
    const texts = Array.from({ length: 15 }, (_, index) => `away ${index}`)
    for (const text of texts) await bots.send(sender, receiver.user, text)
    await bots.reconnect(receiver)
    await receiver.inbox.untilTexts(texts)
    expect(receiver.inbox.texts()).toEqual(texts)
    await bots.server.untilAnswered(receiver.jid)
  })

  test('what it got but did not answer comes again, and is decrypted when its keys did not land', async () => {
    const lost = memoryAuthState(receiver.auth)
    const set = receiver.auth.keys.set
    // The store hangs, as one that is cut off; when it is all over, it lets go without having written.
    const hung: (() => void)[] = []
    receiver.auth.keys.set = () => new Promise(resolve => hung.push(resolve))
    const texts = ['unanswered 1', 'unanswered 2', 'unanswered 3']
    const ids: string[] = []
    for (const text of texts) ids.push(await bots.send(sender, receiver.user, text))
    expect(bots.server.waiting(receiver.jid)).toEqual(ids)
    const closed = untilClosed(receiver.sock)
    bots.server.drop(receiver.jid)
    await closed
    receiver.auth.keys.set = set
    for (const letGo of hung) letGo()
    await bots.reconnect(receiver, lost)
    await receiver.inbox.untilTexts(texts)
    expect(receiver.inbox.texts()).toEqual(texts)
    await bots.server.untilAnswered(receiver.jid)
  })

  test('a message whose keys landed, but whose receipt did not go out, is refused by Baileys when it comes again', async () => {
    const { keys } = receiver.auth
    const set = keys.set
    keys.set = async data => {
      await set(data)
      if (data.session && bots.server.online().includes(receiver.jid)) bots.server.drop(receiver.jid)
    }
    const closed = untilClosed(receiver.sock)
    await bots.send(sender, receiver.user, 'in the gap')
    await closed
    keys.set = set
    expect(bots.server.waiting(receiver.jid)).toHaveLength(1)
    receiver.log.length = 0
    await bots.reconnect(receiver)
    await bots.send(sender, receiver.user, 'after the gap')
    await receiver.inbox.untilTexts(['after the gap'])
    expect(receiver.inbox.texts()).toEqual(['after the gap'])
    expect(receiver.log.some(entry => entry.text.includes('Key used already'))).toBe(true)
    await bots.server.untilAnswered(receiver.jid)
  })
})

test('a receipt waits for a sender that is away', async () => {
  const receiver = await bots.pair('6.7')
  const receiverClosed = untilClosed(receiver.sock)
  bots.server.drop(receiver.jid)
  await receiverClosed
  await bots.send(sender, receiver.user, 'then gone')
  const senderClosed = untilClosed(sender.sock)
  bots.server.drop(sender.jid)
  await senderClosed
  await bots.reconnect(receiver)
  await bots.server.untilAnswered(receiver.jid)
  const sock = bots.own(connectSocket({ baileys: baileysLines['7'], auth: sender.auth, server: bots.server }))
  const statuses = new Promise(resolve => {
    sock.ev.on('messages.update', updates => resolve(updates.map(({ update }) => update.status)))
  })
  expect(await within(statuses, 'a receipt')).toEqual([proto.WebMessageInfo.Status.DELIVERY_ACK])
})
