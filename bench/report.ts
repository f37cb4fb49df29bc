import type { Environment } from './environment.ts'
import type { Goal, GroupResult } from './group.ts'
import { ours, type Race } from './race.ts'

/** What a run found; `--json` writes it as it is. */
export interface Report {
  readonly environment: Environment
  readonly quick: boolean
  readonly seconds: number
  readonly groups: readonly GroupResult[]
}

/** The report for people: ratios first. */
export function tableText({ environment, quick, seconds, groups }: Report): string {
  const { node, packageVersion, commit, baileys, baileys6, cpu, cores, platform } = environment
  return [
    `baileys-authkit ${packageVersion}${commit ? ` (${commit})` : ''}, Node ${node}, Baileys ${baileys} and ${baileys6}`,
    `${cpu}, ${cores} cores, ${platform}; ${quick ? 'quick: ratios are rough; ' : ''}${seconds} s`,
    ...groups.flatMap(({ group, races }) => ['', group, ...rows(races)]),
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

function goalText({ name, atLeast, found, isMet }: Goal): string {
  return `${isMet ? 'met   ' : 'MISSED'}  ${name}: ${ratioText(found)} (goal ${atLeast} x)\n`
}

function rows(races: readonly Race[]): string[] {
  const rivals = Object.keys(races[0]?.ratios ?? {})
  const contenders = [ours, ...rivals]
  const table = [
    ['', ...rivals.map(rival => `x ${rival}`), ...contenders.map(name => `${name} ns (p50, p99)`)],
    ...races.map(({ name, ratios, timings }) => [
      name,
      ...rivals.map(rival => ratioText(ratios[rival])),
      ...contenders.map(contender => {
        const { p50Ns, p99Ns } = timings[contender] ?? { p50Ns: Number.NaN, p99Ns: Number.NaN }
        return `${p50Ns.toFixed(0)}, ${p99Ns.toFixed(0)}`
      }),
    ]),
  ]
  const widths = table[0]?.map((_, column) => Math.max(...table.map(row => row[column]?.length ?? 0))) ?? []
  return table.map(row =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('   ')
      .trimEnd(),
  )
}

function ratioText(ratio: number | undefined): string {
  return `${(ratio ?? Number.NaN).toFixed(2)} x`
}
