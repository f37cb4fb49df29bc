import { parseArgs } from 'node:util'

/** What a run was asked for. */
export interface BenchOptions {
  /** The names of the groups to run, in the order in which they are known. */
  readonly only: readonly string[]
  readonly quick: boolean
  readonly check: boolean
  /** The file that gets the results as JSON, `-` for standard output, `undefined` for none. */
  readonly json: string | undefined
}

/** The text of --help. */
export function usage(groups: readonly { readonly name: string; readonly about: string }[]): string {
  return `Usage: npm run bench -- [options]

Measures ours and theirs by turns in one run. Ratios are the medians of the rounds.

  --only NAME     only this group; may be repeated
  --quick         fewer and shorter rounds: to see that it works, not how fast it is
  --check         print each goal met or missed; exit with 1 if one is missed
  --json [FILE]   the results as JSON to FILE, beside the table; without FILE to standard output, instead of it
  --help          print this

Groups:
${groups.map(({ name, about }) => `  ${name.padEnd(15)} ${about}`).join('\n')}

Exits 1 if something failed or, with --check, a goal was missed; 2 for wrong usage.

Example: npm run bench -- --only codec --check
`
}

/** The options, or what is wrong with them; an empty text asks for help. */
export function readOptions(args: readonly string[], groups: readonly string[]): BenchOptions | string {
  let values: { only?: string[]; quick?: boolean; check?: boolean; json?: string; help?: boolean }
  try {
    values = parseArgs({
      args: args.map((arg, at) => (arg === '--json' && isLastOrOption(args[at + 1]) ? '--json=-' : arg)),
      options: {
        only: { type: 'string', multiple: true },
        quick: { type: 'boolean' },
        check: { type: 'boolean' },
        json: { type: 'string' },
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
  return {
    only: groups.filter(name => !values.only || values.only.includes(name)),
    quick: values.quick ?? false,
    check: values.check ?? false,
    json: values.json,
  }
}

function isLastOrOption(next: string | undefined): boolean {
  return next === undefined || next.startsWith('--')
}
