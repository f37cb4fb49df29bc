import { within } from '../../test/whatsapp/within.ts'
import { Child } from '../child/child.ts'
import type { Group, GroupContext } from '../group.ts'
import { type Ground, withPlace } from '../places.ts'
import { Servers } from '../servers.ts'
import type { Phase } from '../socket/phases.ts'
import type { WhatsAppCommands } from '../socket/whatsapp-process.ts'
import type { BotsCommands, BotsResult, BotsSettings } from './bots-process.ts'

type ManyBackend = BotsSettings['backend']

interface Found {
  readonly backend: ManyBackend
  readonly bots: number
  readonly result: BotsResult
}

const backends: readonly ManyBackend[] = ['SQLite', 'PostgreSQL']
const pairedAtOnce = 5
const patienceMs = 120_000

/** Many real sockets in one process, whose sessions lie in one database. */
export const many: Group = {
  name: 'many',
  about: 'one, ten and fifty real sockets in one process, on one database',
  async run({ quick, where, progress }) {
    const counts = quick ? [1, 10] : [1, 10, 50]
    const messages = quick ? 100 : 1_000
    await using whatsapp = Child.start<WhatsAppCommands>('bench/socket/whatsapp-process.ts')
    await using servers = new Servers()
    const ground: Ground = { servers, folder: where.folder }
    const found: Found[] = []
    const runs = backends
      .filter(backend => where.backends.includes(backend))
      .flatMap(backend => counts.map(bots => ({ backend, bots })))
    for (const [at, { backend, bots }] of runs.entries()) {
      const share: GroupContext['progress'] = (text, done) => progress(text, (at + done) / runs.length)
      found.push({
        backend,
        bots,
        result: await runBots(ground, whatsapp, backend, bots, Math.ceil(messages / bots), share),
      })
    }
    return { group: 'many', races: [], goals: [], tables: [tableOf(found)], details: found }
  },
}

async function runBots(
  ground: Ground,
  whatsapp: Child<WhatsAppCommands>,
  backend: ManyBackend,
  bots: number,
  each: number,
  progress: GroupContext['progress'],
): Promise<BotsResult> {
  const address = await whatsapp.ask('address')
  return withPlace(ground, backend, async place => {
    const settings: BotsSettings = { backend, place, whatsapp: address }
    await using child = Child.start<BotsCommands>('bench/many/bots-process.ts', settings, ['--expose-gc'])
    const jids: string[] = []
    for (let first = 0; first < bots; first += pairedAtOnce) {
      progress(`${backend}, pairing ${bots} bots`, (0.5 * first) / bots)
      const next = Array.from({ length: Math.min(pairedAtOnce, bots - first) }, () => pair(child, whatsapp))
      jids.push(...(await within(Promise.all(next), 'bots to pair', patienceMs)))
    }
    const phase: Phase = {
      name: 'many',
      kind: 'incoming',
      messages: each,
      peers: { prefix: 5_554_000, count: 5, haveLids: false },
      slices: 1,
    }
    progress(`${backend}, writing to ${bots} bots`, 0.5)
    for (const jid of jids) await whatsapp.ask('write', jid, phase)
    progress(`${backend}, ${bots} bots`, 0.7)
    const received = child.ask('receive', phase.name, each, patienceMs / 2)
    for (const jid of jids) await whatsapp.ask('send', jid, 0, each)
    const result = await within(received, 'the messages', patienceMs)
    for (const jid of jids) await whatsapp.ask('forget', jid)
    return result
  })
}

async function pair(child: Child<BotsCommands>, whatsapp: Child<WhatsAppCommands>): Promise<string> {
  const { bot, qr } = await child.ask('connect')
  const paired = child.ask('untilPaired', bot)
  await whatsapp.ask('scan', qr)
  const jid = await paired
  await whatsapp.ask('untilKeys', jid)
  return jid
}

function tableOf(found: readonly Found[]) {
  return {
    title: 'bots in one process, on one database; commits (SQLite) and round trips (PostgreSQL)',
    columns: [
      '',
      'msg/s',
      'CPU ms a message',
      'loop p99 ms',
      'MB a bot, idle',
      'batches a message',
      'commits or round trips a batch',
    ],
    rows: found.map(({ backend, bots, result }) => [
      `${bots} on ${backend}`,
      result.messagesPerSecond.toFixed(0),
      result.cpuMs.toFixed(2),
      result.loopP99Ms.toFixed(1),
      (result.idleBytesEach / 1e6).toFixed(2),
      result.batches.toFixed(2),
      (result.flushes / result.batches).toFixed(2),
    ]),
  }
}
