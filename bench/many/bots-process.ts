import { monitorEventLoopDelay } from 'node:perf_hooks'
import * as baileys from '@whiskeysockets/baileys'
import Database from 'better-sqlite3'
import { type AuthState, useAuthState } from '../../src/auth-state.ts'
import { connectSocket, textOfMessage, untilClosed, untilOpen, untilQr } from '../../test/whatsapp/client.ts'
import type { RootCertificate } from '../../test/whatsapp/server-identity.ts'
import { answerParent, type Commands } from '../child/answer-parent.ts'
import { ownStores } from '../own-stores.ts'
import type { Place } from '../places.ts'
import { countRoundTrips } from '../socket/round-trips.ts'

/** What such a process is started with. */
export interface BotsSettings {
  readonly backend: 'SQLite' | 'PostgreSQL'
  readonly place: Place
  readonly whatsapp: { readonly url: string; readonly root: RootCertificate }
}

/** What it is asked. */
export interface BotsCommands extends Commands {
  /** Opens the session of one more bot and connects it; resolves with its number and QR code. */
  connect(): Promise<{ bot: number; qr: string }>
  /** Resolves with the device's address when it has paired, and logged in after the restart. */
  untilPaired(bot: number): Promise<string>
  /** Resolves when every bot has got so many messages that begin with the name, or the time is up. */
  receive(name: string, each: number, limitMs: number): Promise<BotsResult>
}

/** What all bots together showed. */
export interface BotsResult {
  readonly messages: number
  /** What each takes before the first message, its socket included: of the heap and outside of it. */
  readonly idleBytesEach: number
  readonly messagesPerSecond: number
  /** For each message. */
  readonly cpuMs: number
  /** How late timers came, in milliseconds: 99 of 100 came less late. */
  readonly loopP99Ms: number
  /** Batches that sessions wrote, for each message. */
  readonly batches: number
  /** What those cost, for each message: commits with an fsync each on SQLite, round trips on a server. */
  readonly flushes: number
}

/** Many bots in one process, on one database. */
const { backend, place, whatsapp }: BotsSettings = JSON.parse(process.env.BENCH ?? '')
const trips = backend === 'SQLite' ? countCommits() : countRoundTrips(Number(new URL(place.serverUrl).port))
const { store } = ownStores[backend](place)
let batches = 0
const bytesBefore = usedBytes()
const write = store.write.bind(store)
store.write = (...args) => {
  batches += 1
  return write(...args)
}
const bots: { readonly auth: AuthState; socket: ReturnType<typeof connectSocket> }[] = []
let lastBot = -1

const commands: BotsCommands = {
  async connect() {
    lastBot += 1
    const bot = lastBot
    const auth = await useAuthState(store, { session: `bot-${bot}` })
    const socket = socketOf(auth)
    bots[bot] = { auth, socket }
    return { bot, qr: await untilQr(socket) }
  },

  async untilPaired(number) {
    const bot = bots[number]
    if (!bot) throw new Error('There is no such bot.')
    await untilClosed(bot.socket)
    bot.socket = socketOf(bot.auth)
    await untilOpen(bot.socket)
    return bot.socket.user?.id ?? ''
  },

  async receive(name, each, limitMs) {
    const idleBytesEach = (usedBytes() - bytesBefore) / bots.length
    const delay = monitorEventLoopDelay({ resolution: 5 })
    const readings: Reading[] = []
    delay.enable()
    await Promise.race([
      Promise.all(bots.map(({ socket }) => received(socket, name, each, readings))),
      new Promise(resolve => setTimeout(resolve, limitMs)),
    ])
    delay.disable()
    const [first, last] = [readings[0], readings.at(-1)]
    if (!first || !last) throw new Error('No message came.')
    const messages = readings.length - 1
    return {
      messages: readings.length,
      idleBytesEach,
      messagesPerSecond: messages / ((last.at - first.at) / 1_000),
      cpuMs: (last.cpuMs - first.cpuMs) / messages,
      loopP99Ms: Math.max(0, delay.percentile(99) / 1e6 - 5),
      batches: (last.batches - first.batches) / messages,
      flushes: (last.flushes - first.flushes) / messages,
    }
  },
}

answerParent(commands)

function socketOf(auth: AuthState): ReturnType<typeof connectSocket> {
  return connectSocket({
    baileys,
    // Baileys 7's own types name fields that ours leave open.
    auth: auth.state as baileys.AuthenticationState,
    server: whatsapp,
    saveCreds: () => auth.saveCreds(),
    log: [],
  })
}

interface Reading {
  readonly at: number
  readonly cpuMs: number
  readonly batches: number
  readonly flushes: number
}

function reading(): Reading {
  const { user, system } = process.cpuUsage()
  return { at: performance.now(), cpuMs: (user + system) / 1_000, batches, flushes: trips() }
}

/** Resolves when a bot has got its messages; each of them is a reading. */
function received(
  socket: ReturnType<typeof connectSocket>,
  name: string,
  count: number,
  readings: Reading[],
): Promise<void> {
  const texts = new Set<string>()
  return new Promise(resolve => {
    socket.ev.on('messages.upsert', ({ messages }) => {
      for (const message of messages) {
        const text = textOfMessage(message)
        if (!text.startsWith(`${name} `) || texts.has(text)) continue
        texts.add(text)
        readings.push(reading())
        if (texts.size === count) resolve()
      }
    })
  })
}

function usedBytes(): number {
  // The process was started with --expose-gc.
  for (let time = 0; time < 3; time++) globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Each commit is an fsync of the write-ahead log. */
function countCommits(): () => number {
  let commits = 0
  const { prepare } = Database.prototype
  const counting = {
    prepare(this: Database.Database, sql: string) {
      const statement = Reflect.apply(prepare, this, [sql])
      if (sql !== 'commit') return statement
      const run = statement.run.bind(statement)
      return Object.assign(statement, {
        run(...values: unknown[]) {
          commits += 1
          return run(...values)
        },
      })
    },
  }
  Object.assign(Database.prototype, counting)
  return () => commits
}
