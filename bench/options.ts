import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { allBackends, type Backend } from './backends.ts'

/** What a run was asked for. */
export interface BenchOptions {
  /** The names of the groups to run, in the order in which they are known. */
  readonly only: readonly string[]
  readonly quick: boolean
  readonly check: boolean
  /** The file that gets the results as JSON, `-` for standard output, `undefined` for none. */
  readonly json: string | undefined
  /** The file that gets a picture of the results, as SVG. */
  readonly chart: string | undefined
  /** Where stores may lie. */
  readonly where: Where
}

/** Where stores of a benchmark may lie. */
export interface Where {
  readonly backends: readonly Backend[]
  /** Files and databases lie in folders of their own in there. */
  readonly folder: string
  /** The URLs of servers that run already, by the variables that name them. */
  readonly servers: { readonly [variable: string]: string }
}

/** The group whose results are drawn. */
const chartGroup = 'socket'

/** The text of --help. */
export function usage(groups: readonly { readonly name: string; readonly about: string }[]): string {
  return `Usage: npm run bench -- [options]

Measures ours and theirs by turns in one run. Ratios are the medians of the rounds.

  --only NAME     only this group; may be repeated
  --quick         fewer and shorter rounds: to see that it works, not how fast it is
  --check         print each goal met or missed; exit with 1 if one is missed
  --json [FILE]   the results as JSON to FILE, beside the table; without FILE to standard output, instead of it
  --chart FILE    a picture of what the real socket reached, as SVG, to FILE
  --store URL     only stores there: a server's postgres:, mysql:, redis: or mongodb: URL, file: or sqlite: with
                  the path of a folder; what is written there is deleted afterwards
  --help          print this

Groups:
${groups.map(({ name, about }) => `  ${name.padEnd(15)} ${about}`).join('\n')}

Exits 1 if something failed or, with --check, a goal was missed; 2 for wrong usage.

Example: npm run bench -- --only codec --check
`
}

/** The options, or what is wrong with them; an empty text asks for help. */
export function readOptions(args: readonly string[], groups: readonly string[]): BenchOptions | string {
  let values: {
    only?: string[]
    quick?: boolean
    check?: boolean
    json?: string
    chart?: string
    store?: string
    help?: boolean
  }
  try {
    values = parseArgs({
      args: args.map((arg, at) => (arg === '--json' && isLastOrOption(args[at + 1]) ? '--json=-' : arg)),
      options: {
        only: { type: 'string', multiple: true },
        quick: { type: 'boolean' },
        check: { type: 'boolean' },
        json: { type: 'string' },
        chart: { type: 'string' },
        store: { type: 'string' },
        help: { type: 'boolean' },
      },
    }).values
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  if (values.help) return ''
  const unknown = values.only?.find(name => !groups.includes(name))
  if (unknown !== undefined) return `--only takes one of: ${groups.join(', ')}.`
  if (values.json === '') return '--json takes the path of a file.'
  if (values.chart === '') return '--chart takes the path of a file.'
  if (values.chart !== undefined && values.only && !values.only.includes(chartGroup))
    return `--chart draws what the group ${chartGroup} found: --only has to name it.`
  const where = whereOf(values.store)
  if (!where)
    return `--store takes a URL that begins with ${['file:', 'sqlite:', ...Object.keys(backendOf)].join(', ')}.`
  return {
    only: groups.filter(name => !values.only || values.only.includes(name)),
    quick: values.quick ?? false,
    check: values.check ?? false,
    json: values.json,
    chart: values.chart,
    where,
  }
}

const backendOf: { readonly [scheme: string]: readonly [Backend, variable: string] } = {
  'postgres:': ['PostgreSQL', 'POSTGRES_URL'],
  'postgresql:': ['PostgreSQL', 'POSTGRES_URL'],
  'mysql:': ['MySQL', 'MYSQL_URL'],
  'redis:': ['Redis', 'REDIS_URL'],
  'rediss:': ['Redis', 'REDIS_URL'],
  'mongodb:': ['MongoDB', 'MONGODB_URL'],
  'mongodb+srv:': ['MongoDB', 'MONGODB_URL'],
}

/** Everywhere, or where a URL says; `undefined` for one that says nothing. */
function whereOf(url: string | undefined): Where | undefined {
  if (url === undefined) return { backends: allBackends, folder: tmpdir(), servers: {} }
  const path = /^(file|sqlite):(?:\/\/)?(.+)/.exec(url)
  if (path) {
    const folder = resolve(path[2] ?? '')
    return { backends: [path[1] === 'file' ? 'files' : 'SQLite'], folder, servers: {} }
  }
  const [backend, variable] = backendOf[url.slice(0, url.indexOf(':') + 1)] ?? []
  if (!backend || !variable) return undefined
  return { backends: [backend], folder: tmpdir(), servers: { [variable]: url } }
}

function isLastOrOption(next: string | undefined): boolean {
  return next === undefined || next.startsWith('--')
}
