import { within } from '../../test/whatsapp/within.ts'
import { Child } from '../child/child.ts'
import { type Ground, type Place, withPlaces } from '../places.ts'
import type { BotCommands, BotSettings, Comparison } from './bot-process.ts'
import type { Contender } from './contenders.ts'
import { type Phase, type Slice, type SliceResult, slicesOf } from './phases.ts'
import type { WhatsAppCommands } from './whatsapp-process.ts'

/** What a contender showed in a heat. */
export interface ContenderRun {
  readonly contender: Contender
  /** The slices of each phase, in order. Those that it was too slow for, or broke in, are missing, and all after them. */
  readonly slices: { readonly [phase: string]: readonly SliceResult[] }
  /** What a new process found in the store after the bot was killed. */
  readonly comparison?: Comparison
  /** What Baileys complained of: the first lines. */
  readonly complaints: readonly string[]
  /** Why the run ended before its end. */
  readonly error?: string
}

/** What all heats share. */
export interface Stage extends Ground {
  readonly whatsapp: Child<WhatsAppCommands>
  readonly phases: readonly Phase[]
  /** How long one slice may take. */
  readonly limitMs: number
  /** How long a bot that fell behind is waited for in the end, and how long it may take to read what it had. */
  readonly lookMs: number
}

const patienceMs = 60_000

/**
 * Runs a bot on each contender, all of them at once, each in a process and a place of its own, and gives them their
 * turns slice by slice: what else the machine does meanwhile concerns all alike. Then each is killed, and of ours and
 * the peers a new process looks for what was acknowledged.
 */
export function runHeat(
  contenders: readonly Contender[],
  stage: Stage,
  onStep: (text: string, done: number) => void = () => {},
): Promise<ContenderRun[]> {
  const backends = contenders.map(({ backend }) => backend)
  return withPlaces(stage, backends, async places => {
    const entrants = contenders.map((contender, at) => new Entrant(contender, stage, places[at] ?? missing()))
    const steps = stage.phases.length + 2
    try {
      onStep('pairing', 0)
      await Promise.all(entrants.map(entrant => entrant.start()))
      for (const [at, phase] of stage.phases.entries()) {
        onStep(`writing messages: ${phase.name}`, (at + 1) / steps)
        for (const entrant of entrants) await entrant.write(phase)
        for (const [turn, slice] of slicesOf(phase, stage.limitMs).entries()) {
          onStep(phase.name, (at + 1 + turn / phase.slices) / steps)
          for (const entrant of rotated(entrants, turn)) await entrant.run(slice)
        }
      }
      onStep('looking for what was acknowledged', (steps - 1) / steps)
      await Promise.all(entrants.map(entrant => entrant.finish()))
      return entrants.map(entrant => entrant.found())
    } finally {
      for (const entrant of entrants) await entrant.end()
    }
  })
}

/** One contender in a heat. What goes wrong is told, and ends it alone. */
class Entrant {
  readonly contender: Contender
  readonly #stage: Stage
  readonly #place: Place
  readonly #slices: { [phase: string]: SliceResult[] } = {}
  #settings: BotSettings | undefined
  #bot: Child<BotCommands> | undefined
  #jid = ''
  #users: readonly string[] = []
  #complaints: readonly string[] = []
  #comparison: Comparison | undefined
  #cut = 0
  #error: string | undefined

  constructor(contender: Contender, stage: Stage, place: Place) {
    this.contender = contender
    this.#stage = stage
    this.#place = place
  }

  start(): Promise<void> {
    const { whatsapp } = this.#stage
    return this.#attempt(async () => {
      const { opener } = this.contender
      this.#settings = { opener, place: this.#place, whatsapp: await whatsapp.ask('address') }
      const bot = Child.start<BotCommands>('bench/socket/bot-process.ts', this.#settings)
      this.#bot = bot
      const paired = bot.ask('connect').then(async qr => {
        const restarted = bot.ask('untilPaired')
        await whatsapp.ask('scan', qr)
        return restarted
      })
      this.#jid = await within(paired, 'the bot to pair', patienceMs)
      await within(whatsapp.ask('untilKeys', this.#jid), 'its pre-keys', patienceMs)
    })
  }

  write(phase: Phase): Promise<void> {
    return this.#attempt(async () => {
      this.#users = await this.#stage.whatsapp.ask('write', this.#jid, phase)
    })
  }

  run(slice: Slice): Promise<void> {
    return this.#attempt(async () => {
      const { phase, from, to, limitMs } = slice
      const measured = this.#bot?.ask('measure', slice, this.#users)
      if (!measured) return
      if (phase.kind !== 'outgoing') await this.#stage.whatsapp.ask('send', this.#jid, from, to)
      const result = await within(measured, phase.name, limitMs + patienceMs)
      // What comes in is measured from the first message on. A little that is missing may be Baileys' own doing.
      const isWhole = result.messages >= 0.9 * (to - from) - 1
      this.#cut = isWhole ? 0 : this.#cut + 1
      const slices = this.#slices[phase.name] ?? []
      this.#slices[phase.name] = slices
      if (result.messages > 0) slices.push(result)
      if (this.#cut === 2) throw new Error('It was too slow, or came to a halt.')
    })
  }

  finish(): Promise<void> {
    const bot = this.#bot
    if (!bot || !this.#settings) return Promise.resolve()
    const { role } = this.contender
    const { lookMs } = this.#stage
    const settings = this.#settings
    const look = async () => {
      const acknowledged = await within(bot.ask('acknowledged'), 'the bot to be quiet', lookMs)
      this.#complaints = acknowledged.complaints
      await bot.kill()
      if (role !== 'ours' && role !== 'peer') return
      await using reader = Child.start<BotCommands>('bench/socket/bot-process.ts', settings)
      this.#comparison = await within(reader.ask('compare', acknowledged.records), 'the comparison', lookMs)
    }
    // Also where it was cut: what it acknowledged by then has to be there.
    return look().catch(error => {
      this.#error ??= String(Object(error).message)
    })
  }

  found(): ContenderRun {
    return {
      contender: this.contender,
      slices: this.#slices,
      complaints: this.#complaints,
      ...(this.#comparison ? { comparison: this.#comparison } : {}),
      ...(this.#error === undefined ? {} : { error: this.#error }),
    }
  }

  async end(): Promise<void> {
    await this.#bot?.kill()
    await this.#stage.whatsapp.ask('forget', this.#jid)
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    if (this.#error !== undefined) return
    try {
      await work()
    } catch (error) {
      this.#error = String(Object(error).message)
    }
  }
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const start = by % items.length
  return [...items.slice(start), ...items.slice(0, start)]
}

function missing(): never {
  throw new Error('There is no place.')
}
