import { type Bot, Bots, brokenSession, combinations } from './bots.ts'
import type { Addressing } from './device.ts'

// The waits inside say what they wait for.
let bots: Bots
let pairs: { readonly [line in '7' | '6.7']: readonly [Bot, Bot] }
beforeAll(async () => {
  bots = await Bots.start()
  pairs = {
    '7': [await bots.pair('7'), await bots.pair('7')],
    '6.7': [await bots.pair('6.7'), await bots.pair('6.7')],
  }
})
afterAll(() => bots[Symbol.asyncDispose]())

describe.each(combinations)('from Baileys %s to Baileys %s', (from, to) => {
  test('messages are decrypted both ways, and leave nothing behind', async () => {
    const [one, two] = [pairs[from][0], pairs[to][1]]
    const texts = ['one', 'two', 'three'].map(text => `${from} to ${to}: ${text}`)
    const answers = texts.map(text => `answer to ${text}`)
    for (const text of texts) await bots.send(one, two.user, text)
    await two.inbox.untilTexts(texts)
    for (const text of answers) await bots.send(two, one.user, text)
    await one.inbox.untilTexts(answers)
    expect(two.inbox.texts().filter(text => texts.includes(text))).toEqual(texts)
    for (const bot of [one, two]) await bots.server.untilAnswered(bot.jid)
    expect([...one.log, ...two.log].filter(line => brokenSession.test(line.text))).toEqual([])
  })
})

async function readsOthers(
  member: Bot,
  members: readonly Bot[],
  textsOf: (bot: Bot) => string[],
): Promise<void> {
  const others = members.filter(other => other !== member)
  await member.inbox.untilTexts(others.flatMap(textsOf), 15_000)
  expect(member.log.filter(line => brokenSession.test(line.text))).toEqual([])
}

describe.each<Addressing>(['pn', 'lid'])('in a group whose members go by %s', addressing => {
  const textsOf = (bot: Bot): string[] =>
    ['first', 'second'].map(text => `${text} of ${bot.number} by ${addressing}`)
  let members: Bot[]
  let group: string

  beforeAll(async () => {
    members = [pairs['7'][0], pairs['7'][1], pairs['6.7'][0]]
    const numbers = members.map(member => member.number)
    group = bots.server.createGroup(numbers, { subject: 'three', addressing })
    for (const member of members) {
      for (const text of textsOf(member)) await bots.send(member, group, text)
    }
  })

  test('a member on Baileys 7 reads the others of both lines', async () => {
    for (const member of members.slice(0, 2)) await readsOthers(member, members, textsOf)
  })

  test('a member of either line sees the group', async () => {
    for (const { sock } of members) {
      expect((await sock.groupMetadata(group)).participants).toHaveLength(3)
      expect(Object.keys(await sock.groupFetchAllParticipating())).toContain(group)
    }
  })
})

// 6.7 wants libsignal's verifySignature to say true or false, as 6.0.0 does, which its own dependency on git is.
// The libsignal 2.0.1 that package.json puts under it says nothing, and every group message is "Invalid signature!".
// With the override at 6.0.0 this test reports itself: make it a plain one then.
test('in a group whose members go by pn a member on Baileys 6.7 reads the others', async () => {
  const members = [pairs['6.7'][1], pairs['7'][0], pairs['6.7'][0]]
  const textsOf = (bot: Bot): string[] => [`to 6.7 by ${bot.number}`]
  const group = bots.server.createGroup(members.map(member => member.number))
  for (const member of members) for (const text of textsOf(member)) await bots.send(member, group, text)
  await readsOthers(pairs['6.7'][1], members, textsOf)
})

test('a receiver that lost its session asks again, and gets the message', async () => {
  const sent = { conversation: 'after the loss' }
  const sender = await bots.pair('7', undefined, { getMessage: async () => sent })
  const [receiver] = pairs['7']
  await bots.send(sender, receiver.user, 'before the loss')
  await receiver.inbox.untilTexts(['before the loss'])
  await bots.send(receiver, sender.user, 'so that both ends have sent')
  await sender.inbox.untilTexts(['so that both ends have sent'])
  const { records } = receiver.auth
  for (const name of records.keys()) if (name.startsWith('session/')) records.delete(name)
  await bots.send(sender, receiver.user, sent.conversation)
  await receiver.inbox.untilTexts([sent.conversation])
  await bots.server.untilAnswered(receiver.jid)
  expect(receiver.log.some(line => brokenSession.test(line.text))).toBe(true)
})

test('a number that nobody has is not on WhatsApp', async () => {
  const [bot, other] = pairs['6.7']
  expect(await bot.sock.onWhatsApp(other.number)).toMatchObject([{ jid: other.user, exists: true }])
  expect((await bot.sock.onWhatsApp('19990000000'))?.filter(found => found.exists)).toEqual([])
})

test('a device that runs out of pre-keys is asked for more', async () => {
  const [bot] = pairs['6.7']
  const [other] = pairs['7']
  const uploads: number[] = []
  const uploaded = new Promise<void>(resolve => {
    bots.server.on('keys', ({ jid, count }) => {
      uploads.push(count)
      if (jid === bot.jid) resolve()
    })
  })
  const target = bot.jid
  while (uploads.length === 0 && bots.server.preKeysLeft(target) > 4)
    await other.sock.assertSessions([target], true)
  await uploaded
  expect(uploads).toEqual([30])
})
