import { type Bot, Bots, brokenSession, combinations } from './bots.ts'
import type { Addressing } from './device.ts'

let bots: Bots
let pairs: { readonly [line in '7' | '6.7']: readonly [Bot, Bot] }
beforeAll(async () => {
  bots = await Bots.start()
  pairs = {
    '7': [await bots.pair('7'), await bots.pair('7')],
    '6.7': [await bots.pair('6.7'), await bots.pair('6.7')],
  }
}, 20_000)
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

describe.each<Addressing>(['pn', 'lid'])('in a group whose members go by %s', addressing => {
  test('each member reads each other one', async () => {
    const members = [pairs['7'][0], pairs['7'][1], pairs['6.7'][0]]
    const numbers = members.map(member => member.number)
    const group = bots.server.createGroup(numbers, { subject: 'three', addressing })
    const textsOf = (bot: Bot): string[] =>
      ['first', 'second'].map(text => `${text} of ${bot.number} by ${addressing}`)
    for (const member of members) {
      for (const text of textsOf(member)) await bots.send(member, group, text)
    }
    for (const member of members) {
      const others = members.filter(other => other !== member)
      await member.inbox.untilTexts(others.flatMap(textsOf))
      expect(member.log.filter(line => brokenSession.test(line.text))).toEqual([])
    }
    expect((await members[0]?.sock.groupMetadata(group))?.participants).toHaveLength(3)
    expect(Object.keys((await members[2]?.sock.groupFetchAllParticipating()) ?? {})).toContain(group)
  })
})

test('a receiver that lost its session asks again, and gets the message', async () => {
  const [sender, receiver] = pairs['7']
  await bots.send(sender, receiver.user, 'before the loss')
  await receiver.inbox.untilTexts(['before the loss'])
  await bots.send(receiver, sender.user, 'so that both ends have sent')
  await sender.inbox.untilTexts(['so that both ends have sent'])
  for (const name of receiver.auth.records.keys())
    if (name.startsWith('session/')) receiver.auth.records.delete(name)
  await bots.send(sender, receiver.user, 'after the loss')
  await receiver.inbox.untilTexts(['after the loss'])
  expect(receiver.log.some(line => brokenSession.test(line.text))).toBe(true)
})

test('a number that nobody has is not on WhatsApp', async () => {
  const [bot, other] = pairs['6.7']
  expect(await bot.sock.onWhatsApp(other.number)).toEqual([{ jid: other.user, exists: true }])
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
