import { serverOf } from '../backends.ts'
import { Child } from '../child/child.ts'
import { atLeast, atMost, type Goal, type Group, type GroupContext } from '../group.ts'
import { installPeers } from '../peers/install-peers.ts'
import { median } from '../race.ts'
import { Servers } from '../servers.ts'
import type { Table } from '../table.ts'
import { type Contender, contenders, fullName, isComparable, reference } from './contenders.ts'
import type { Peers, Phase, PhaseResult } from './phases.ts'
import { type ContenderRun, runContender, type Stage } from './run-contender.ts'
import type { WhatsAppCommands } from './whatsapp-process.ts'

/** What a contender showed over all rounds. */
export interface ContenderResult {
  readonly contender: Contender
  readonly runs: readonly ContenderRun[]
}

const strangers: Peers = { prefix: 5_551_000, count: 10, haveLids: false }
const customers: Peers = { prefix: 5_552_000, count: 50, haveLids: false }
const friends: Peers = { prefix: 5_553_000, count: 50, haveLids: true }

/** A real Baileys socket behind the loopback server, on each auth state in turn. */
export const socket: Group = {
  name: 'socket',
  about:
    'a real Baileys socket on each store, on the published auth states, and on the least that a store can do',
  async run(context) {
    const entrants = contenders.filter(
      ({ backend, role }) => role === 'reference' || context.where.backends.includes(backend),
    )
    if (entrants.some(({ role }) => role === 'peer')) await installPeers(text => context.progress(text, 0))
    await using whatsapp = Child.start<WhatsAppCommands>('bench/socket/whatsapp-process.ts')
    await using servers = new Servers()
    const stage: Stage = { whatsapp, servers, folder: context.where.folder, phases: phasesOf(context.quick) }
    const titles = await titlesOf(servers, entrants)
    const results = await runAll(entrants, stage, context)
    return {
      group: 'socket',
      races: [],
      goals: goalsOf(results),
      tables: [speedTable(results), costTable(results), faultTable(results)],
      details: { servers: titles, phases: stage.phases, results },
    }
  },
}

/** Half of them are warmed up, and half are not: what comes first is what a bot that was just paired meets. */
function phasesOf(isQuick: boolean): Phase[] {
  const scale = isQuick ? 0.2 : 1
  const limitMs = isQuick ? 5_000 : 10_000
  const phase = (name: string, kind: Phase['kind'], messages: number, peers: Peers): Phase => ({
    name,
    kind,
    messages,
    peers,
    limitMs,
  })
  return [
    phase('warm-up', 'incoming', 200, strangers),
    phase('incoming', 'incoming', 1_000 * scale, customers),
    phase('first contact', 'incoming', 50, friends),
    phase('replies', 'outgoing', 50, friends),
    phase('known peers', 'incoming', 1_000 * scale, friends),
    phase('group', 'group', 500 * scale, friends),
    phase('outgoing', 'outgoing', 500 * scale, friends),
  ]
}

async function titlesOf(
  servers: Servers,
  entrants: readonly Contender[],
): Promise<{ [server: string]: string }> {
  const titles: { [server: string]: string } = {}
  for (const server of new Set(entrants.flatMap(({ backend }) => serverOf[backend] ?? []))) {
    titles[server] = (await servers.get(server)).title
  }
  return titles
}

/** In each round all of a backend one after another, with the reference before them. */
async function runAll(
  entrants: readonly Contender[],
  stage: Stage,
  { quick, progress }: GroupContext,
): Promise<ContenderResult[]> {
  const rounds = quick ? 1 : 3
  const runs = new Map<Contender, ContenderRun[]>(entrants.map(contender => [contender, []]))
  let done = 0
  for (let round = 0; round < rounds; round++) {
    for (const contender of rotated(entrants, round)) {
      progress(`round ${round + 1} of ${rounds}, ${fullName(contender)}`, done / (rounds * entrants.length))
      const compares = round === 0 && (contender.role === 'ours' || contender.role === 'peer')
      runs.get(contender)?.push(await runContender(contender, stage, { compares }))
      done += 1
    }
  }
  return Array.from(runs, ([contender, all]) => ({ contender, runs: all }))
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const start = Math.floor((by * items.length) / 3)
  return [...items.slice(start), ...items.slice(0, start)]
}

/** The median over the rounds; `undefined` where a contender never came so far. */
function figure(
  result: ContenderResult | undefined,
  phase: string,
  of: keyof PhaseResult,
): number | undefined {
  const found = (result?.runs ?? []).flatMap(run => run.phases[phase]?.[of] ?? [])
  return found.length === 0 ? undefined : median(found)
}

/** How many times as fast as another one: the median of the rounds' ratios. */
function ratio(
  result: ContenderResult,
  other: ContenderResult | undefined,
  phase: string,
): number | undefined {
  const ratios = result.runs.flatMap((run, round) => {
    const own = run.phases[phase]?.messagesPerSecond
    const theirs = other?.runs[round]?.phases[phase]?.messagesPerSecond
    return own !== undefined && theirs ? [own / theirs] : []
  })
  return ratios.length === 0 ? undefined : median(ratios)
}

function boundOf(
  results: readonly ContenderResult[],
  { contender }: ContenderResult,
): ContenderResult | undefined {
  return results.find(other => other.contender.role === 'bound' && isComparable(other.contender, contender))
}

function speedTable(results: readonly ContenderResult[]): Table {
  const map = results.find(({ contender }) => contender === reference)
  const phases = ['incoming', 'known peers', 'group', 'outgoing']
  return {
    title: 'messages a second, as parts of what a plain Map and the bare driver (bound) reach',
    columns: ['', ...phases.flatMap(phase => [`${phase}: x Map`, 'x bound', 'msg/s'])],
    rows: results.map(result => [
      fullName(result.contender),
      ...phases.flatMap(phase => [
        number(ratio(result, map, phase), 2),
        result.contender.role === 'bound' ? '' : number(ratio(result, boundOf(results, result), phase), 2),
        number(figure(result, phase, 'messagesPerSecond'), 0),
      ]),
    ]),
  }
}

function costTable(results: readonly ContenderResult[]): Table {
  const columns: readonly (readonly [string, string, keyof PhaseResult, number])[] = [
    ['incoming: CPU ms', 'incoming', 'cpuMs', 2],
    ['loop p99 ms', 'incoming', 'loopP99Ms', 1],
    ['in the store ms', 'incoming', 'storeMs', 2],
    ['round trips', 'incoming', 'roundTrips', 2],
    ['of its second half', 'incoming', 'laterRoundTrips', 2],
    ['known peers: CPU ms', 'known peers', 'cpuMs', 2],
    ['in the store ms', 'known peers', 'storeMs', 2],
    ['round trips', 'known peers', 'laterRoundTrips', 2],
    ['group: round trips', 'group', 'laterRoundTrips', 2],
    ['outgoing: round trips', 'outgoing', 'laterRoundTrips', 2],
  ]
  return {
    title: 'costs of a message',
    columns: ['', ...columns.map(([title]) => title)],
    rows: results.map(result => [
      fullName(result.contender),
      ...columns.map(([, phase, of, digits]) => number(figure(result, phase, of), digits)),
    ]),
  }
}

function faultTable(results: readonly ContenderResult[]): Table {
  const rows = results
    .filter(({ contender: { role } }) => role === 'ours' || role === 'peer')
    .map(({ contender, runs }) => [fullName(contender), faultText(runs)])
  return {
    title: 'what a new process found after SIGKILL, and what else went wrong',
    columns: ['', ''],
    rows,
  }
}

function faultText(runs: readonly ContenderRun[]): string {
  const comparison = runs.find(run => run.comparison)?.comparison
  const counts = (['lost', 'changed', 'undeleted'] as const).flatMap(fault =>
    Object.entries(comparison?.[fault] ?? {}).map(([type, count]) => `${count} ${type} ${fault}`),
  )
  const broken = runs.find(run => run.error)?.error
  const lines = [
    ...counts,
    ...(comparison && !comparison.isIdentityKept ? ['identity lost'] : []),
    ...(broken ? [broken] : []),
    ...new Set(
      runs.flatMap(run => run.complaints.filter(text => /fail|Invalid|Bad MAC|No session/i.test(text))),
    ),
  ]
  if (lines.length > 0) return lines.join('; ')
  return comparison ? `all ${comparison.compared} records as they were acknowledged` : ''
}

function goalsOf(results: readonly ContenderResult[]): Goal[] {
  const map = results.find(({ contender }) => contender === reference)
  return results
    .filter(({ contender }) => contender.role === 'ours')
    .flatMap(result => {
      const { backend, isRelaxed } = result.contender
      const name = fullName(result.contender)
      const peers = results.filter(
        ({ contender }) => contender.role === 'peer' && isComparable(contender, result.contender),
      )
      const ofMap = isRelaxed ? 0.97 : partsOfMap[backend]
      return [
        atLeast(
          `${name}, incoming, against its bound`,
          ratio(result, boundOf(results, result), 'incoming'),
          0.95,
        ),
        ...(ofMap === undefined
          ? []
          : [atLeast(`${name}, incoming, against a Map`, ratio(result, map, 'incoming'), ofMap)]),
        ...peers.map(peer =>
          atLeast(
            `${name}, incoming, against ${fullName(peer.contender)}`,
            // One that never came so far is beaten.
            ratio(result, peer, 'incoming') ?? Number.POSITIVE_INFINITY,
            1,
          ),
        ),
        ...['incoming', 'known peers'].map(phase =>
          atMost(
            `${name}, ${phase}, round trips a message in the second half`,
            figure(result, phase, 'laterRoundTrips'),
            1.05,
            '',
          ),
        ),
      ]
    })
}

const partsOfMap: { readonly [backend in Contender['backend']]?: number } = {
  files: 0.88,
  SQLite: 0.88,
  Redis: 0.92,
  PostgreSQL: 0.8,
  MySQL: 0.8,
}

function number(value: number | undefined, digits: number): string {
  return value === undefined ? '-' : value.toFixed(digits)
}
