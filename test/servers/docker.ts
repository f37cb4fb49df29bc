import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { repository } from '../built.ts'
import { freePort } from './free-port.ts'
import type { Server, ServerKind } from './server.ts'

const execute = promisify(execFile)
const longestStartMs = 180_000

/** Whether a Docker engine with Compose runs here. */
export async function hasDocker(): Promise<boolean> {
  return Promise.all([
    execute('docker', ['info'], { timeout: 10_000 }),
    execute('docker', ['compose', 'version'], { timeout: 10_000 }),
  ]).then(
    () => true,
    () => false,
  )
}

/**
 * Starts a container of that kind, as `compose.yaml` says, on free ports of the loopback interface, the same inside and
 * outside: members of a replica set or a cluster tell clients their own addresses.
 *
 * @throws Error with the command that installs the server, where no Docker engine runs
 */
export async function startContainer(kind: ServerKind): Promise<Server> {
  if (!(await hasDocker())) throw new Error(missingMessage([kind]))
  const ports = [await freePort(), await freePort(), await freePort()]
  const environment = Object.fromEntries(
    ports.map((port, index) => [`AUTHKIT_PORT_${index + 1}`, String(port)]),
  )
  const project = `authkit-${randomBytes(4).toString('hex')}`
  const file = join(repository, 'test/servers/compose.yaml')
  const compose = (...args: string[]) =>
    execute('docker', ['compose', '-p', project, '-f', file, ...args], {
      env: { ...process.env, ...environment },
      timeout: longestStartMs,
    })
  const up = async () => {
    await compose('up', '--detach', '--wait', kind.service)
  }
  const stop = async () => {
    await compose('down', '--volumes')
  }
  await up()
  return {
    url: kind.containerUrl(ports),
    async kill() {
      await compose('kill', kind.service)
    },
    restart: up,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** What to do about servers that are missing. */
export function missingMessage(kinds: readonly ServerKind[]): string {
  const packages = [...new Set(kinds.flatMap(kind => kind.packages))]
  const variables = kinds.map(kind => kind.variable).join(', ')
  return (
    `The tests need ${kinds.map(kind => kind.title).join(', ')}. On Debian or Ubuntu run\n\n` +
    `  sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}'\n\n` +
    `or start a Docker engine, or say where one runs in ${variables}.`
  )
}
