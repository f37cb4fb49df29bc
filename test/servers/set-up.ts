import { spawnSync } from 'node:child_process'
import { hasDocker, missingMessage } from './docker.ts'
import { findProgram } from './find-program.ts'
import { serverKinds } from './kinds.ts'
import type { ServerKind } from './server.ts'

/**
 * Sees to it that every server that the tests need can be started here: one whose URL the environment has, a program of
 * this machine, else the distribution's packages, which root installs, else a Docker engine. Says what it installs, and
 * exits 1 with the command to run where it can do nothing.
 */
async function main(): Promise<number> {
  let missing = await lacking(serverKinds)
  if (missing.length > 0) missing = await prepared(missing)
  if (missing.length > 0 && (await canInstall())) {
    install(missing)
    missing = await prepared(missing)
  }
  if (missing.length === 0 || (await hasDocker())) return 0
  process.stderr.write(`${missingMessage(missing)}\n`)
  return 1
}

/** Those that neither the environment nor this machine has. */
async function lacking(kinds: readonly ServerKind[]): Promise<ServerKind[]> {
  const found = await Promise.all(kinds.map(async kind => process.env[kind.variable] || (await kind.find())))
  return kinds.filter((_, index) => !found[index])
}

/** Those that are still lacking when each has made what it can of what is installed. */
async function prepared(kinds: readonly ServerKind[]): Promise<ServerKind[]> {
  for (const kind of kinds) {
    await kind.prepare?.().catch(error => {
      process.stderr.write(`${kind.title}: ${error instanceof Error ? error.message : String(error)}\n`)
    })
  }
  return lacking(kinds)
}

async function canInstall(): Promise<boolean> {
  return process.getuid?.() === 0 && (await findProgram(['apt-get'])) !== undefined
}

function install(kinds: readonly ServerKind[]): void {
  const packages = [...new Set(kinds.flatMap(kind => kind.packages))]
  process.stdout.write(`The tests need ${packages.join(', ')}: installing.\n`)
  run('apt-get', 'update', '-qq')
  run('apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...packages)
}

function run(command: string, ...args: string[]): void {
  // Packages of servers would start them; the tests start their own. (RUNLEVEL=1 keeps Debian's from doing so.)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const { error, status, stderr } = spawnSync(command, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  if (error || status !== 0) {
    process.stderr.write(`${command} ${args.join(' ')} failed. ${error?.message ?? String(stderr)}\n`)
  }
}

process.exitCode = await main()
