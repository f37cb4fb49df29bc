import type { Race } from './race.ts'

/** A goal that a group set itself, and what was found. */
export interface Goal {
  /** What is to be reached, as people read it. */
  readonly name: string
  readonly atLeast: number
  readonly found: number
  readonly isMet: boolean
}

/** What a group found; a part of what `--json` writes. */
export interface GroupResult {
  readonly group: string
  readonly races: readonly Race[]
  readonly goals: readonly Goal[]
}

/** What a group is told. */
export interface GroupContext {
  readonly quick: boolean
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
export function goalOf(races: readonly Race[], name: string, rival: string, atLeast: number): Goal {
  const found = races.find(race => race.name === name)?.ratios[rival]
  if (found === undefined) throw new Error(`${name} was not measured against ${rival}.`)
  return { name: `${name} against ${rival}`, atLeast, found, isMet: found >= atLeast }
}
