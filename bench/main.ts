import { writeFile } from 'node:fs/promises'
import { cache } from './cache.ts'
import { chartSvg } from './chart.ts'
import { codec } from './codec.ts'
import { environment } from './environment.ts'
import type { Group, GroupContext } from './group.ts'
import { many } from './many/many.ts'
import { operations } from './operations/operations.ts'
import { type BenchOptions, readOptions, usage } from './options.ts'
import { Progress } from './progress.ts'
import { areMet, goalsText, type Report, type TimedResult, tableText } from './report.ts'
import { scale } from './scale/scale.ts'
import { sealed } from './sealed.ts'
import { socket } from './socket/socket.ts'
import { startUp } from './start-up.ts'

const groups: readonly Group[] = [socket, many, operations, cache, codec, sealed, scale, startUp]

/** Runs the benchmarks; resolves with the process's exit code. */
async function main(): Promise<number> {
  const options = readOptions(
    process.argv.slice(2),
    groups.map(({ name }) => name),
  )
  if (typeof options === 'string') {
    const isHelp = options === ''
    process[isHelp ? 'stdout' : 'stderr'].write(isHelp ? usage(groups) : `${options}\n\n${usage(groups)}`)
    return isHelp ? 0 : 2
  }
  const report = await measure(options)
  const json = `${JSON.stringify(report, null, 2)}\n`
  if (options.json === '-') process.stdout.write(json)
  else process.stdout.write(tableText(report))
  if (options.json !== undefined && options.json !== '-') await writeFile(options.json, json)
  await writeChart(options, report)
  const failed = report.groups.filter(({ error }) => error !== undefined)
  for (const { group, error } of failed) process.stderr.write(`The group ${group} failed: ${error}\n`)
  if (!options.check) return failed.length > 0 ? 1 : 0
  process[options.json === '-' ? 'stderr' : 'stdout'].write(`\n${goalsText(report.groups)}`)
  return failed.length === 0 && areMet(report.groups) ? 0 : 1
}

async function writeChart({ chart: path }: BenchOptions, { groups }: Report): Promise<void> {
  const chart = groups.find(group => group.chart)?.chart
  if (path !== undefined && chart) await writeFile(path, chartSvg(chart))
}

async function measure(options: BenchOptions): Promise<Report> {
  const startedAt = performance.now()
  Object.assign(process.env, options.where.servers)
  const progress = new Progress()
  const results: TimedResult[] = []
  try {
    for (const group of groups.filter(({ name }) => options.only.includes(name))) {
      const since = performance.now()
      const context: GroupContext = {
        quick: options.quick,
        where: options.where,
        progress: (text, done) => progress.show(`${group.name}: ${text}`, done),
      }
      // What the others found in half an hour is not lost with it.
      const result = await group.run(context).catch((error: unknown) => ({
        group: group.name,
        races: [],
        goals: [],
        error: error instanceof Error ? error.message : String(error),
      }))
      results.push({ ...result, seconds: secondsSince(since) })
    }
  } finally {
    progress.end()
  }
  return {
    environment: environment(),
    quick: options.quick,
    seconds: secondsSince(startedAt),
    groups: results,
  }
}

function secondsSince(startedAt: number): number {
  return Math.round((performance.now() - startedAt) / 100) / 10
}

main().then(
  code => {
    process.exitCode = code
  },
  error => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  },
)
