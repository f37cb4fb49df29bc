import type { Chart } from './chart.ts'
import type { Where } from './options.ts'
import type { Race } from './race.ts'
import type { Table } from './table.ts'

/** A goal that a group set itself, and what was found. */
export interface Goal {
  /** What is to be reached, as people read it. */
  readonly name: string
  readonly atLeast?: number
  readonly atMost?: number
  /** Of the figures: `x` for a ratio. */
  readonly unit: string
  /** Missing where it could not be measured. */
  readonly found?: number
  readonly isMet: boolean
}

/** What a group found; a part of what `--json` writes. */
export interface GroupResult {
  readonly group: string
  readonly races: readonly Race[]
  readonly goals: readonly Goal[]
  /** A picture of it. */
  readonly chart?: Chart
  /** More for people, beside the races. */
  readonly tables?: readonly Table[]
  /** More for programs: figures of each run. */
  readonly details?: unknown
  /** Why it came to no end. */
  readonly error?: string
}

/** What a group is told. */
export interface GroupContext {
  readonly quick: boolean
  readonly where: Where
  /** Shows what is being done, and how much of it is done: from 0 to 1. */
  readonly progress: (text: string, done: number) => void
}

/** Benchmarks that belong together, under the name that `--only` takes. */
export interface Group {
  readonly name: string
  readonly about: string
  run(context: GroupContext): Promise<GroupResult>
}

/** A goal for a race: how many times as fast as `rival` ours is to be. */
export function goalOf(races: readonly Race[], name: string, rival: string, least: number): Goal {
  const found = races.find(race => race.name === name)?.ratios[rival]
  if (found === undefined) throw new Error(`${name} was not measured against ${rival}.`)
  return atLeast(`${name} against ${rival}`, found, least)
}

/** A goal that is met by this much and more. What could not be measured is missed. */
export function atLeast(name: string, found: number | undefined, least: number, unit = 'x'): Goal {
  return { name, atLeast: least, unit, ...foundOf(found), isMet: found !== undefined && found >= least }
}

/** A goal that is met by this much and less. What could not be measured is missed. */
export function atMost(name: string, found: number | undefined, most: number, unit = 'x'): Goal {
  return { name, atMost: most, unit, ...foundOf(found), isMet: found !== undefined && found <= most }
}

function foundOf(found: number | undefined): Pick<Goal, 'found'> {
  return found === undefined ? {} : { found }
}
