import { execFileSync, spawnSync } from 'node:child_process'
import { repository } from '../test/built.ts'
import { atMost, type Group } from './group.ts'
import { median } from './race.ts'

const modules = [
  'baileys-authkit',
  ...['multi-file', 'sqlite', 'postgres', 'mysql', 'redis', 'mongodb'].map(name => `baileys-authkit/${name}`),
]

/** What is loaded with the package itself, whatever store is chosen. */
const needed: readonly string[] = ['lru-cache']

/** What importing the package costs a process, beside starting Node. */
export const startUp: Group = {
  name: 'start-up',
  about: 'what importing each module costs beyond Node, and which packages come with it',
  async run({ quick, progress }) {
    const rounds = quick ? 5 : 25
    const programs = ['', ...modules]
    const times = new Map<string, number[]>(programs.map(name => [name, []]))
    for (let round = 0; round < rounds; round++) {
      for (const name of programs) {
        progress(`round ${round + 1} of ${rounds}`, round / rounds)
        times.get(name)?.push(startMs(name))
      }
    }
    const costMs = (name: string): number =>
      median((times.get(name) ?? []).map((ms, round) => ms - (times.get('')?.[round] ?? Number.NaN)))
    const packages = new Map(modules.map(name => [name, loadedPackages(name)]))
    const costs = modules.map(name => [name, costMs(name)] as const)
    return {
      group: 'start-up',
      races: [],
      tables: [
        {
          title: `import, in milliseconds beyond Node's own ${median(times.get('') ?? []).toFixed(0)}`,
          columns: ['', 'ms', 'packages that are loaded'],
          rows: costs.map(([name, ms]) => [name, ms.toFixed(1), packages.get(name)?.join(', ') ?? '']),
        },
      ],
      goals: [
        ...costs.map(([name, ms]) => atMost(`import of ${name}, beyond Node`, ms, 30, 'ms')),
        atMost(
          'packages loaded that the store does not need',
          modules.flatMap(name => packages.get(name)?.filter(each => !needed.includes(each)) ?? []).length,
          0,
          '',
        ),
      ],
      details: { costsMs: Object.fromEntries(costs), packages: Object.fromEntries(packages) },
    }
  },
}

/** How long a process takes that imports a module, or none, and ends. */
function startMs(name: string): number {
  const startedAt = performance.now()
  const code = name === '' ? '' : importOf(name)
  execFileSync(process.execPath, ['--input-type=module', '--eval', code], { cwd: repository })
  return performance.now() - startedAt
}

/** By its name, as users do: this folder is the package. */
function importOf(name: string): string {
  return `await import('${name}')`
}

/** The packages whose modules a process has loaded after it imported one of ours. */
function loadedPackages(name: string): string[] {
  const hooks = `export async function resolve(specifier, context, next) {
    const found = await next(specifier, context)
    process._rawDebug('LOADED ' + found.url)
    return found
  }`
  const code = `
    import { register, createRequire } from 'node:module'
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}))
    ${importOf(name)}
    for (const path of Object.keys(createRequire('/')('module')._cache)) process._rawDebug('LOADED ' + path)
  `
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
    encoding: 'utf8',
  })
  const found = stderr
    .split('\n')
    .filter(line => line.startsWith('LOADED '))
    .flatMap(line => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(line)?.[1] ?? [])
  return [...new Set(found)].sort()
}
