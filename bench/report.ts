import type { Environment } from './environment.ts'
import type { Goal, GroupResult } from './group.ts'
import type { Race } from './race.ts'
import { type Table, tableLines } from './table.ts'

/** What a run found; `--json` writes it as it is. */
export interface Report {
  readonly environment: Environment
  readonly quick: boolean
  readonly seconds: number
  readonly groups: readonly TimedResult[]
}

/** What a group found, and how long it took. */
export interface TimedResult extends GroupResult {
  readonly seconds: number
}

/** The report for people: ratios first. */
export function tableText({ environment, quick, seconds, groups }: Report): string {
  const { node, packageVersion, commit, baileys, baileys6, cpu, cores, platform } = environment
  return [
    `baileys-authkit ${packageVersion}${commit ? ` (${commit})` : ''}, Node ${node}, Baileys ${baileys} and ${baileys6}`,
    `${cpu}, ${cores} cores, ${platform}; ${quick ? 'quick: ratios are rough; ' : ''}${seconds} s`,
    ...groups.flatMap(groupLines),
    '',
  ].join('\n')
}

/** Each goal, met or missed, and the figure that was found. */
export function goalsText(groups: readonly GroupResult[]): string {
  return groups.flatMap(({ goals }) => goals.map(goalText)).join('')
}

/** Whether every goal is met. */
export function areMet(groups: readonly GroupResult[]): boolean {
  return groups.every(({ goals }) => goals.every(({ isMet }) => isMet))
}

function goalText({ name, atLeast, atMost, unit, found, isMet }: Goal): string {
  const goal = atLeast === undefined ? `at most ${atMost}` : `${atLeast}`
  const figure = found === undefined ? 'not measured' : `${found.toFixed(2)} ${unit}`.trim()
  return `${isMet ? 'met   ' : 'MISSED'}  ${name}: ${figure} (goal ${`${goal} ${unit}`.trim()})\n`
}

function groupLines({ group, races, tables = [] }: GroupResult): string[] {
  return [
    ...byRivals(races).flatMap(some => ['', group, ...tableLines(raceTable(some))]),
    ...tables.flatMap(table => ['', `${group}: ${table.title}`, ...tableLines(table)]),
  ]
}

/** Races that stand in one table: those with the same contenders, one after another. */
function byRivals(races: readonly Race[]): Race[][] {
  const tables: Race[][] = []
  for (const race of races) {
    const last = tables.at(-1)
    const isSame = String(Object.keys(last?.[0]?.ratios ?? {})) === String(Object.keys(race.ratios))
    if (last && isSame) last.push(race)
    else tables.push([race])
  }
  return tables
}

function raceTable(races: readonly Race[]): Pick<Table, 'columns' | 'rows'> {
  const rivals = Object.keys(races[0]?.ratios ?? {})
  const contenders = [races[0]?.base ?? '', ...rivals]
  return {
    columns: ['', ...rivals.map(rival => `x ${rival}`), ...contenders.map(name => `${name} (p50, p99)`)],
    rows: races.map(({ name, ratios, timings }) => [
      name,
      ...rivals.map(rival => `${(ratios[rival] ?? Number.NaN).toFixed(2)} x`),
      ...contenders.map(contender => {
        const { p50Ns, p99Ns } = timings[contender] ?? { p50Ns: Number.NaN, p99Ns: Number.NaN }
        return `${duration(p50Ns)}, ${duration(p99Ns)}`
      }),
    ]),
  }
}

/** Three digits and a unit. */
export function duration(ns: number): string {
  const [divisor, unit] = ns < 1e4 ? [1, 'ns'] : ns < 1e7 ? [1e3, 'us'] : [1e6, 'ms']
  return `${Number((ns / divisor).toPrecision(3))} ${unit}`
}
