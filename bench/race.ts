import { Bench } from 'tinybench'

/** How long one operation took, in nanoseconds: medians over the rounds. */
export interface Timing {
  readonly p50Ns: number
  readonly p99Ns: number
}

/** One operation, done by ours and by others, in turns. */
export interface Race {
  readonly name: string
  /** The contender that the others are compared with. */
  readonly base: string
  /** How many times as fast it is as each other: the median of the rounds' ratios. */
  readonly ratios: { readonly [rival: string]: number }
  /** The rounds' ratios, in the order in which they were run. */
  readonly rounds: { readonly [rival: string]: readonly number[] }
  readonly timings: { readonly [contender: string]: Timing }
  /** Details of the operation: sizes, for example. */
  readonly details: { readonly [name: string]: number }
}

/** How long is measured. */
export interface Schedule {
  readonly rounds: number
  /** Of each contender in each round. */
  readonly timeMs: number
}

/** Does an operation. One that takes the time itself resolves with milliseconds: of what it did, not all is measured. */
export type Contender = (() => void) | (() => Promise<number | undefined>)

/** What is to be measured. */
export interface RaceSpec {
  readonly name: string
  readonly details: { readonly [name: string]: number }
  /** Each does the operation `operations` times. */
  readonly contenders: { readonly [contender: string]: Contender }
  readonly operations: number
  /** The contender that the others are compared with. @default {@link ours} */
  readonly base?: string
  /** Whether the contenders are waited for. */
  readonly isAsync?: boolean
  /** How long nothing is done after ours, in milliseconds: what it does behind is not to be taken for another's. */
  readonly restMs?: number
}

/** What is ours among the contenders. */
export const ours = 'ours'

/**
 * Runs races, all of them in every round, and in each the contenders one right after another, beginning with another
 * one each round: what else the machine does, and what the engine learned from the other races, concerns all alike.
 */
export async function runRaces(
  specs: readonly RaceSpec[],
  schedule: Schedule,
  onStep: (name: string, done: number) => void,
): Promise<Race[]> {
  const found = specs.map(() => new Map<string, Timing[]>())
  let steps = 0
  for (let round = 0; round < schedule.rounds; round++) {
    for (const [at, spec] of specs.entries()) {
      const { name, contenders } = spec
      onStep(`round ${round + 1} of ${schedule.rounds}, ${name}`, steps++ / (schedule.rounds * specs.length))
      const names = Object.keys(contenders)
      const start = round % names.length
      for (const contender of [...names.slice(start), ...names.slice(0, start)]) {
        const timing = await time(contenders[contender] ?? missing, spec, schedule.timeMs)
        found[at]?.set(contender, [...(found[at]?.get(contender) ?? []), timing])
        if (spec.restMs && contender === ours) await new Promise(resolve => setTimeout(resolve, spec.restMs))
      }
    }
  }
  return specs.map((spec, at) => raceOf(spec, found[at] ?? new Map()))
}

async function time(
  run: Contender,
  { operations, isAsync }: Pick<RaceSpec, 'operations' | 'isAsync'>,
  timeMs: number,
): Promise<Timing> {
  const fewest = isAsync ? { iterations: 3, warmupIterations: 1 } : {}
  const bench = new Bench({ time: timeMs, warmupTime: timeMs / 5, throws: true, ...fewest })
  // Many operations a sample, so that reading the clock costs nothing beside them.
  const sampled = (ms: number) => ({ overriddenDuration: ms / operations, overriddenIterationCost: ms })
  if (isAsync) {
    bench.add('contender', async () => {
      const startedAt = bench.now()
      const ownMs = await run()
      return sampled(ownMs ?? bench.now() - startedAt)
    })
  } else {
    bench.add('contender', () => {
      const startedAt = bench.now()
      run()
      return sampled(bench.now() - startedAt)
    })
  }
  const [task] = isAsync ? await bench.run() : bench.runSync()
  const result = task?.result
  if (result?.state !== 'completed') throw new Error('A contender could not be measured.')
  return { p50Ns: result.latency.p50 * 1e6, p99Ns: result.latency.p99 * 1e6 }
}

function raceOf(
  { name, details, base = ours }: RaceSpec,
  found: ReadonlyMap<string, readonly Timing[]>,
): Race {
  const own = found.get(base) ?? []
  const rivals = [...found].filter(([contender]) => contender !== base)
  const rounds = rivals.map(([rival, timings]) => {
    return [rival, timings.map(({ p50Ns }, round) => p50Ns / (own[round]?.p50Ns ?? Number.NaN))] as const
  })
  return {
    name,
    base,
    ratios: Object.fromEntries(rounds.map(([rival, ratios]) => [rival, median(ratios)])),
    rounds: Object.fromEntries(rounds),
    timings: Object.fromEntries(
      Array.from(found, ([contender, timings]) => [
        contender,
        {
          p50Ns: median(timings.map(({ p50Ns }) => p50Ns)),
          p99Ns: median(timings.map(({ p99Ns }) => p99Ns)),
        },
      ]),
    ),
    details,
  }
}

/** The middle one, or the mean of the two in the middle. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const below = sorted[Math.ceil(middle) - 1] ?? Number.NaN
  return (below + (sorted[Math.floor(middle)] ?? below)) / 2
}

function missing(): never {
  throw new Error('There is no such contender.')
}
