import { within } from '../../test/whatsapp/within.ts'
import { Child } from '../child/child.ts'
import { type Ground, withPlace } from '../places.ts'
import type { BotCommands, BotSettings, Comparison } from './bot-process.ts'
import type { Contender } from './contenders.ts'
import type { Phase, PhaseResult } from './phases.ts'
import type { WhatsAppCommands } from './whatsapp-process.ts'

/** What one run of a contender showed. */
export interface ContenderRun {
  /** By name. One that a contender was too slow for, or broke in, is missing, and those after it. */
  readonly phases: { readonly [phase: string]: PhaseResult }
  /** What a new process found in the store after the bot was killed. */
  readonly comparison?: Comparison
  /** What Baileys complained of: the first lines. */
  readonly complaints: readonly string[]
  /** Why the run ended before its end. */
  readonly error?: string
}

/** What all runs share. */
export interface Stage extends Ground {
  readonly whatsapp: Child<WhatsAppCommands>
  /** Those whose figures are wanted come after a warm-up, whose figures are not. */
  readonly phases: readonly Phase[]
}

const patienceMs = 60_000

/**
 * Runs a bot on a contender, in a process and a place of its own: it pairs, goes through the phases, and is killed.
 * With `compares`, a new process then looks for what was acknowledged.
 */
export async function runContender(
  contender: Contender,
  stage: Stage,
  options: { readonly compares: boolean },
): Promise<ContenderRun> {
  const whatsapp = await stage.whatsapp.ask('address')
  return withPlace(stage, contender.backend, place =>
    runBot({ opener: contender.opener, place, whatsapp }, stage, options),
  )
}

async function runBot(
  settings: BotSettings,
  { whatsapp, phases }: Stage,
  { compares }: { readonly compares: boolean },
): Promise<ContenderRun> {
  await using bot = Child.start<BotCommands>('bench/socket/bot-process.ts', settings)
  const results: { [phase: string]: PhaseResult } = {}
  let complaints: readonly string[] = []
  let jid = ''
  let cut = 0
  try {
    const paired = bot.ask('connect').then(async qr => {
      const restarted = bot.ask('untilPaired')
      await whatsapp.ask('scan', qr)
      return restarted
    })
    jid = await within(paired, 'the bot to pair', patienceMs)
    await within(whatsapp.ask('untilKeys', jid), 'its pre-keys', patienceMs)
    for (const phase of phases) {
      const users = await whatsapp.ask('write', jid, phase)
      const measured = bot.ask('measure', phase, users)
      await whatsapp.ask('send', jid)
      const result = await within(measured, phase.name, phase.limitMs + patienceMs)
      if (result.messages > 0) results[phase.name] = result
      // Whoever is too slow for two phases is too slow for the next; one alone may have broken it.
      cut = result.messages < phase.messages - 1 ? cut + 1 : 0
      if (cut === 2) break
    }
    const acknowledged = await within(bot.ask('acknowledged'), 'the bot to be quiet', patienceMs)
    complaints = acknowledged.complaints
    await bot.kill()
    if (!compares) return { phases: results, complaints }
    await using reader = Child.start<BotCommands>('bench/socket/bot-process.ts', settings)
    const comparison = await within(reader.ask('compare', acknowledged.records), 'the comparison', patienceMs)
    return { phases: results, complaints, comparison }
  } catch (error) {
    return { phases: results, complaints, error: error instanceof Error ? error.message : String(error) }
  } finally {
    await whatsapp.ask('forget', jid)
  }
}
