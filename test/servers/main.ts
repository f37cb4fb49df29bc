import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Keeper } from './keeper.ts'
import { serverKinds } from './kinds.ts'
import type { ServerName } from './server.ts'

const usage = `Usage: npm run servers -- [names] [-- command]

Starts servers on this machine, durable and empty, and prints their URLs; Ctrl-C ends them and deletes their data.
With a command, runs it with each URL in its variable, and ends with it.

Names (all): ${serverKinds.map(kind => `${kind.name} (${kind.variable})`).join(', ')}

Example:
  npm run servers -- postgres -- sh -c 'npm run demo -- --store "$POSTGRES_URL"'
`

/** Starts servers for a person or a script; resolves with the process's exit code. */
async function main(args: readonly string[]): Promise<number> {
  const end = args.indexOf('--')
  const words = end < 0 ? args : args.slice(0, end)
  const [command, ...commandArgs] = end < 0 ? [] : args.slice(end + 1)
  const names = serverKinds.map(kind => kind.name)
  const asked = (words.length === 0 ? names : words) as ServerName[]
  if (asked.some(name => !names.includes(name))) {
    const isHelp = words.includes('--help')
    process[isHelp ? 'stdout' : 'stderr'].write(usage)
    return isHelp ? 0 : 2
  }
  await using keeper = new Keeper()
  const variables: { [variable: string]: string } = {}
  const interrupted = new Promise(resolve => {
    process.once('SIGINT', () => resolve(130))
    process.once('SIGTERM', () => resolve(143))
  })
  for (const kind of serverKinds.filter(each => asked.includes(each.name))) {
    const { url, title } = await keeper.get(kind.name)
    variables[kind.variable] = url
    process.stdout.write(`${kind.variable}=${url}  # ${title}\n`)
  }
  if (command === undefined) {
    process.stdout.write('Ctrl-C ends them.\n')
    // A promise alone keeps no process alive.
    const waiting = setInterval(() => {}, 60_000)
    await interrupted
    clearInterval(waiting)
    return 0
  }
  const child = spawn(command, commandArgs, { stdio: 'inherit', env: { ...process.env, ...variables } })
  const [code] = await Promise.race([once(child, 'exit'), interrupted.then(number => [number])])
  return code ?? 1
}

process.exitCode = await main(process.argv.slice(2))
