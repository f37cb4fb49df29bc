import { monitorEventLoopDelay } from 'node:perf_hooks'
import * as baileys from '@whiskeysockets/baileys'
import { connectSocket, textOfMessage, untilClosed, untilOpen, untilQr } from '../../test/whatsapp/client.ts'
import type { LogLine } from '../../test/whatsapp/quiet-logger.ts'
import type { RootCertificate } from '../../test/whatsapp/server-identity.ts'
import { answerParent, type Commands } from '../child/answer-parent.ts'
import type { Place } from '../places.ts'
import { digestOf, KeyMeter, type RecordDigest } from './key-meter.ts'
import type { Opened, Opener } from './opened.ts'
import type { Slice, SliceResult } from './phases.ts'
import { countRoundTrips } from './round-trips.ts'

/** What a bot's process is started with. */
export interface BotSettings {
  readonly opener: readonly [module: string, name: string]
  readonly place: Place
  readonly whatsapp: { readonly url: string; readonly root: RootCertificate }
}

/** What such a process is asked. */
export interface BotCommands extends Commands {
  /** Opens the auth state and connects, unpaired; resolves with the QR code. */
  connect(): Promise<string>
  /** Resolves with the device's address when it has paired, and logged in after the restart. */
  untilPaired(): Promise<string>
  /** Resolves when a slice is over: its messages have come, or were sent to these users, or its time is up. */
  measure(slice: Slice, users: readonly string[]): Promise<SliceResult>
  /** What was acknowledged of records so far, and what Baileys complained of. */
  acknowledged(): Promise<{ records: readonly RecordDigest[]; complaints: readonly string[] }>
  /** Opens the auth state and compares; resolves with what is not as it was acknowledged. */
  compare(records: readonly RecordDigest[]): Promise<Comparison>
}

/** What a store gives back of what it acknowledged, by key type. */
export interface Comparison {
  readonly compared: number
  readonly lost: { readonly [type: string]: number }
  readonly changed: { readonly [type: string]: number }
  readonly undeleted: { readonly [type: string]: number }
  readonly isIdentityKept: boolean
}

/** A bot in a process of its own, on one contender. */
const settings: BotSettings = JSON.parse(process.env.BENCH ?? '')
const { place } = settings
const countedOnWire =
  place.serverUrl === '' ? undefined : countRoundTrips(Number(new URL(place.serverUrl).port))
const log: LogLine[] = []
let opened: Opened
let meter: KeyMeter
let sock: ReturnType<typeof connectSocket>

const commands: BotCommands = {
  async connect() {
    await open()
    sock = socket()
    return untilQr(sock)
  },

  async untilPaired() {
    const code = await untilClosed(sock)
    if (code !== baileys.DisconnectReason.restartRequired)
      throw new Error(`The socket closed with ${code} after pairing.`)
    sock = socket()
    await untilOpen(sock)
    return sock.user?.id ?? ''
  },

  async measure(slice, users) {
    const span = new Span()
    if (slice.phase.kind === 'outgoing') await send(slice, users, span)
    else await receive(slice, span)
    return span.result()
  },

  async acknowledged() {
    await meter.untilIdle()
    return {
      records: meter.records(opened.state.creds),
      complaints: [...new Set(log.map(({ text }) => text))].slice(0, 10),
    }
  },

  async compare(records) {
    await open()
    return compare(records)
  },
}

answerParent(commands)

async function open(): Promise<void> {
  const [module, name] = settings.opener
  const openers: { [name: string]: Opener } = await import(`./${module}.js`)
  const opener = openers[name]
  if (!opener) throw new Error(`${module} has no ${name}.`)
  opened = await opener(place)
  meter = new KeyMeter(opened)
}

function socket(): ReturnType<typeof connectSocket> {
  const { creds } = opened.state
  const made = connectSocket({
    baileys,
    auth: { creds, keys: meter },
    server: settings.whatsapp,
    saveCreds: () => meter.saveCreds().catch(() => {}),
    log,
  })
  return made
}

async function send(
  { phase, from, to, limitMs }: Slice,
  users: readonly string[],
  span: Span,
): Promise<void> {
  const endsAt = performance.now() + limitMs
  span.begin()
  for (let number = from; number < to && performance.now() < endsAt; number++) {
    await sock.sendMessage(users[number % users.length] ?? '', { text: `${phase.name} ${number}` })
    span.end(number + 1 - from)
  }
}

/** From the first message that is handed to the bot to the last. */
async function receive({ phase, from, to, limitMs }: Slice, span: Span): Promise<void> {
  const missing = new Set(Array.from({ length: to - from }, (_, at) => `${phase.name} ${from + at}`))
  let done = (): void => {}
  const listener = (upsert: { readonly messages: readonly baileys.WAMessage[] }) => {
    for (const message of upsert.messages) {
      if (!missing.delete(textOfMessage(message))) continue
      const came = to - from - missing.size
      if (came === 1) span.begin()
      else span.end(came - 1)
      if (missing.size === 0) done()
    }
  }
  sock.ev.on('messages.upsert', listener)
  await new Promise<void>(resolve => {
    const timer = setTimeout(resolve, limitMs)
    done = () => {
      clearTimeout(timer)
      resolve()
    }
  })
  sock.ev.off('messages.upsert', listener)
}

/** Takes the figures of a slice, from its first message to the last one that came. */
class Span {
  readonly #delay = monitorEventLoopDelay({ resolution: 5 })
  #start: Reading = reading()
  #last: Reading = this.#start
  #messages = 0

  begin(): void {
    this.#delay.enable()
    this.#start = this.#last = reading()
  }

  end(messages: number): void {
    this.#messages = messages
    this.#last = reading()
  }

  result(): SliceResult {
    this.#delay.disable()
    const ms = this.#last.at - this.#start.at
    const each = (of: keyof Reading) => (this.#last[of] - this.#start[of]) / this.#messages
    return {
      messages: this.#messages,
      messagesPerSecond: this.#messages === 0 ? 0 : this.#messages / (ms / 1_000),
      cpuMs: each('cpuMs'),
      loopP99Ms: Math.max(0, this.#delay.percentile(99) / 1e6 - 5),
      calls: each('calls'),
      storeMs: each('storeMs'),
      roundTrips: each('roundTrips'),
    }
  }
}

interface Reading {
  readonly at: number
  readonly cpuMs: number
  readonly calls: number
  readonly storeMs: number
  readonly roundTrips: number
}

function reading(): Reading {
  const { user, system } = process.cpuUsage()
  return {
    at: performance.now(),
    cpuMs: (user + system) / 1_000,
    calls: meter.calls,
    storeMs: meter.storeMs,
    roundTrips: opened.roundTrips?.() ?? countedOnWire?.() ?? 0,
  }
}

async function compare(records: readonly RecordDigest[]): Promise<Comparison> {
  const faults = { lost: {}, changed: {}, undeleted: {} } as {
    [fault in 'lost' | 'changed' | 'undeleted']: { [type: string]: number }
  }
  const { creds, keys } = opened.state
  let isIdentityKept = false
  for (const { type, id, digest } of records) {
    if (type === 'creds') {
      isIdentityKept = digestOf(creds.signedIdentityKey) === digest
      continue
    }
    // The type is one of those that Baileys wrote.
    const { [id]: value } = await keys.get(type as keyof baileys.SignalDataTypeMap, [id])
    const found = value === undefined || value === null ? undefined : digestOf(value)
    if (found === digest) continue
    const fault = found === undefined ? 'lost' : digest === undefined ? 'undeleted' : 'changed'
    faults[fault][type] = (faults[fault][type] ?? 0) + 1
  }
  return { compared: records.length, ...faults, isIdentityKept }
}
