import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../../test/built.ts'
import { allBackends, serverOf } from '../backends.ts'
import type { Chart } from '../chart.ts'
import { Child } from '../child/child.ts'
import { atLeast, atMost, type Goal, type Group, type GroupContext } from '../group.ts'
import { installPeers } from '../peers/install-peers.ts'
import { median } from '../race.ts'
import { Servers } from '../servers.ts'
import type { Table } from '../table.ts'
import { type Contender, contenders, fullName, isComparable, reference } from './contenders.ts'
import { type ContenderRun, runHeat, type Stage } from './heat.ts'
import type { Peers, Phase, SliceResult } from './phases.ts'
import type { WhatsAppCommands } from './whatsapp-process.ts'

/** One contender, and those that ran by turns with it: a Map, and all on the same backend. */
interface Ran {
  readonly run: ContenderRun
  readonly map: ContenderRun | undefined
  readonly bound: ContenderRun | undefined
  readonly heat: readonly ContenderRun[]
}

/** A real Baileys socket behind the loopback server, on each auth state in turn. */
export const socket: Group = {
  name: 'socket',
  about:
    'a real Baileys socket on each store, on the published auth states, and on the least that a store can do',
  async run(context) {
    const { quick, where } = context
    const heats = allBackends
      .filter(backend => backend !== 'memory' && where.backends.includes(backend))
      .map(backend => [reference, ...contenders.filter(contender => contender.backend === backend)])
    if (heats.flat().some(({ role }) => role === 'peer'))
      await installPeers(text => context.progress(text, 0))
    await using whatsapp = Child.start<WhatsAppCommands>('bench/socket/whatsapp-process.ts')
    await using servers = new Servers()
    const stage: Stage = {
      whatsapp,
      servers,
      folder: where.folder,
      phases: phasesOf(quick),
      limitMs: quick ? 1_500 : 3_000,
      lookMs: quick ? 6_000 : 60_000,
    }
    const titles = await titlesOf(servers, heats.flat())
    const results = await runAll(heats, stage, context)
    return {
      group: 'socket',
      races: [],
      goals: results.flatMap(goalsOf),
      tables: [speedTable(results), costTable(results), faultTable(results), versionTable(titles)],
      chart: chartOf(results),
      details: { servers: titles, phases: stage.phases, contenders: results.map(detailsOf) },
    }
  },
}

/** The first of them warm up. What comes next is what a bot that was just paired meets. */
function phasesOf(isQuick: boolean): Phase[] {
  const count = isQuick ? 10 : 50
  const [few, some, more, most] = isQuick ? [20, 20, 40, 60] : [100, 200, 300, 1_000]
  const slices = isQuick ? 2 : 10
  const strangers: Peers = { prefix: 5_551_000, count: 10, haveLids: false }
  const customers: Peers = { prefix: 5_552_000, count, haveLids: false }
  const friends: Peers = { prefix: 5_553_000, count, haveLids: true }
  const phase = (
    name: string,
    kind: Phase['kind'],
    messages: number,
    peers: Peers,
    parts: number,
  ): Phase => ({
    name,
    kind,
    messages,
    peers,
    slices: parts,
  })
  return [
    phase('warm-up', 'incoming', few, strangers, 1),
    phase('incoming', 'incoming', most, customers, slices),
    phase('first contact', 'incoming', count, friends, 1),
    phase('replies', 'outgoing', count, friends, 1),
    phase('known peers', 'incoming', more, friends, slices),
    phase('group', 'group', some, friends, slices),
    phase('outgoing', 'outgoing', isQuick ? more : 500, friends, slices),
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

async function runAll(
  heats: readonly (readonly Contender[])[],
  stage: Stage,
  { progress }: GroupContext,
): Promise<Ran[]> {
  const found: Ran[] = []
  for (const [at, entrants] of heats.entries()) {
    const backend = entrants.at(-1)?.backend
    const heat = await runHeat(entrants, stage, (text, done) =>
      progress(`${backend}, ${text}`, (at + done) / heats.length),
    )
    const map = heat.find(({ contender }) => contender === reference)
    const boundOf = ({ contender }: ContenderRun) =>
      heat.find(other => other.contender.role === 'bound' && isComparable(other.contender, contender))
    found.push(...heat.map(run => ({ run, map, bound: boundOf(run), heat })))
  }
  return found
}

/** The median over the slices; `undefined` where a contender never came so far. */
function figure(run: ContenderRun | undefined, phase: string, of: keyof SliceResult): number | undefined {
  const found = (run?.slices[phase] ?? []).map(slice => slice[of])
  return found.length === 0 ? undefined : median(found)
}

/** The same over the second half of the slices, when everybody has written before. */
function laterFigure(run: ContenderRun, phase: string, of: keyof SliceResult): number | undefined {
  const slices = run.slices[phase] ?? []
  const found = slices.slice(Math.floor(slices.length / 2)).map(slice => slice[of])
  return found.length === 0 ? undefined : median(found)
}

/** How many times as fast as another one: the median of the ratios of slices that followed each other. */
function ratio(run: ContenderRun, other: ContenderRun | undefined, phase: string): number | undefined {
  const ratios = (run.slices[phase] ?? []).flatMap((slice, at) => {
    const theirs = other?.slices[phase]?.[at]?.messagesPerSecond
    return theirs ? [slice.messagesPerSecond / theirs] : []
  })
  return ratios.length === 0 ? undefined : median(ratios)
}

function speedTable(results: readonly Ran[]): Table {
  const phases = ['incoming', 'known peers', 'group', 'outgoing']
  return {
    title: 'messages a second, as parts of what a plain Map and the bare driver (bound) reach',
    columns: ['', ...phases.flatMap(phase => [`${phase}: x Map`, 'x bound', 'msg/s'])],
    rows: results.map(({ run, map, bound }) => [
      fullName(run.contender),
      ...phases.flatMap(phase => [
        number(ratio(run, map, phase), 2),
        run === bound ? '' : number(ratio(run, bound, phase), 2),
        number(figure(run, phase, 'messagesPerSecond'), 0),
      ]),
    ]),
  }
}

function costTable(results: readonly Ran[]): Table {
  const columns: readonly (readonly [title: string, phase: string, of: keyof SliceResult, digits: number])[] =
    [
      ['incoming: CPU ms', 'incoming', 'cpuMs', 2],
      ['loop p99 ms', 'incoming', 'loopP99Ms', 1],
      ['in the store ms', 'incoming', 'storeMs', 2],
      ['round trips', 'incoming', 'roundTrips', 2],
      ['known peers: CPU ms', 'known peers', 'cpuMs', 2],
      ['in the store ms', 'known peers', 'storeMs', 2],
      ['round trips', 'known peers', 'roundTrips', 2],
      ['first contact: round trips', 'first contact', 'roundTrips', 2],
      ['group: round trips', 'group', 'roundTrips', 2],
      ['outgoing: round trips', 'outgoing', 'roundTrips', 2],
    ]
  return {
    title: 'costs of a message',
    columns: ['', ...columns.map(([title]) => title)],
    rows: results
      .filter(({ run }) => run.contender !== reference)
      .map(({ run }) => [
        fullName(run.contender),
        ...columns.map(([, phase, of, digits]) => number(figure(run, phase, of), digits)),
      ]),
  }
}

function chartOf(results: readonly Ran[]): Chart {
  const backends = new Set(results.map(({ run }) => run.contender.backend).filter(each => each !== 'memory'))
  return {
    title: 'Incoming messages a second of a real Baileys 7 socket',
    subtitle:
      'Parts of what a plain Map reaches beside it (1), which keeps nothing. The limit is one bare write a set.',
    groups: Array.from(backends, backend => ({
      title: backend,
      bars: results
        .filter(({ run }) => run.contender.backend === backend)
        .map(({ run, map }) => {
          const { name, role, isRelaxed } = run.contender
          const value = ratio(run, map, 'incoming')
          return {
            label: `${role === 'ours' ? 'baileys-authkit' : role === 'bound' ? 'limit' : name}${isRelaxed ? ', relaxed' : ''}`,
            kind: role === 'ours' ? 'ours' : role === 'bound' ? 'limit' : 'other',
            ...(value === undefined || hasBroken(run) ? { note: 'came to a halt' } : { value }),
          } as const
        }),
    })),
  }
}

function versionTable(titles: { readonly [server: string]: string }): Table {
  const own = versionsOf('package.json', 'devDependencies')
  const peers = versionsOf('bench/peers/package.json', 'dependencies')
  return {
    title: 'versions',
    columns: ['', ''],
    isText: true,
    rows: [
      ...Object.values(titles).map(title => [title, '']),
      ...own,
      ...peers.filter(([name, version]) => !own.some(known => known[0] === name && known[1] === version)),
    ],
  }
}

/** What stores and peers run on, among what is installed. */
const measured = /^(?:better-sqlite3|ioredis|mongodb|mysql2|pg|keyv|@keyv\/redis)$|baileys/

function versionsOf(path: string, kind: string): [name: string, version: string][] {
  const manifest = JSON.parse(readFileSync(join(repository, path), 'utf8'))
  // A package.json has a text for each name there.
  const all = Object.entries(manifest[kind]) as [string, string][]
  return all.filter(([name]) => measured.test(name))
}

/** Whether it ended before its end, and not only since it was slow. */
function hasBroken({ error, complaints }: ContenderRun): boolean {
  return error !== undefined && complaints.some(text => complaint.test(text))
}

/** For programs: the medians, and the rates of the slices in order. */
function detailsOf({ run }: Ran): object {
  const { contender, slices, comparison, complaints, error } = run
  const figures: readonly (keyof SliceResult)[] = ['cpuMs', 'loopP99Ms', 'calls', 'storeMs', 'roundTrips']
  const phases = Object.entries(slices).map(([phase, found]) => [
    phase,
    {
      messagesPerSecond: found.map(({ messagesPerSecond }) => Math.round(messagesPerSecond)),
      ...Object.fromEntries(figures.map(of => [of, rounded(figure(run, phase, of))])),
    },
  ])
  return { name: fullName(contender), phases: Object.fromEntries(phases), comparison, complaints, error }
}

function rounded(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Number(value.toPrecision(4))
}

function faultTable(results: readonly Ran[]): Table {
  return {
    title: 'what a new process found after SIGKILL, and what else went wrong',
    columns: ['', ''],
    isText: true,
    rows: results
      .filter(({ run }) => run.contender.role === 'ours' || run.contender.role === 'peer')
      .map(({ run }) => [fullName(run.contender), faultText(run)]),
  }
}

const complaint = /fail|Invalid|Bad MAC|No session/i

function faultText({ comparison, error, complaints }: ContenderRun): string {
  const counts = (['lost', 'changed', 'undeleted'] as const).flatMap(fault =>
    Object.entries(comparison?.[fault] ?? {}).map(([type, count]) => `${count} ${type} ${fault}`),
  )
  const lines = [
    ...counts,
    ...(comparison && !comparison.isIdentityKept ? ['identity lost'] : []),
    ...(error === undefined ? [] : [error]),
    ...new Set(complaints.filter(text => complaint.test(text))),
  ]
  if (lines.length > 0) return lines.join('; ')
  return comparison ? `all ${comparison.compared} records as they were acknowledged` : ''
}

function goalsOf({ run, map, bound, heat }: Ran): Goal[] {
  const { backend, isRelaxed, role } = run.contender
  if (role !== 'ours') return []
  const name = fullName(run.contender)
  const ofMap = isRelaxed ? 0.97 : partsOfMap[backend]
  const peers = heat.filter(
    ({ contender }) => contender.role === 'peer' && isComparable(contender, run.contender),
  )
  return [
    atLeast(`${name}, incoming, against its bound`, ratio(run, bound, 'incoming'), 0.95),
    ...(ofMap === undefined
      ? []
      : [atLeast(`${name}, incoming, against a Map`, ratio(run, map, 'incoming'), ofMap)]),
    ...peers.map(peer =>
      atLeast(
        `${name}, incoming, against ${fullName(peer.contender)}`,
        // One that never came so far is beaten.
        ratio(run, peer, 'incoming') ?? Number.POSITIVE_INFINITY,
        1,
      ),
    ),
    ...['incoming', 'known peers'].map(phase =>
      atMost(
        `${name}, ${phase}, round trips a message in the second half`,
        laterFigure(run, phase, 'roundTrips'),
        1.05,
        '',
      ),
    ),
  ]
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
