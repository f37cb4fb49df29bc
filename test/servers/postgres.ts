import { execFile } from 'node:child_process'
import { chown, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { findProgram } from './find-program.ts'
import { freePort } from './free-port.ts'
import type { Server, ServerKind } from './server.ts'
import { dataFolder, ServerProcess } from './server-process.ts'

const execute = promisify(execFile)
const password = 'authkit'

/** PostgreSQL with its own defaults, which are durable; its superuser is `postgres`, its database too. */
export const postgres: ServerKind = {
  name: 'postgres',
  title: 'PostgreSQL',
  variable: 'POSTGRES_URL',
  packages: ['postgresql'],
  service: 'postgres',
  containerUrl: ([port = 0]) => urlOf(port),
  find: () => findProgram(['postgres'], ['/usr/lib/postgresql/*/bin', '/usr/local/pgsql/bin']),
  start,
  async describe(url) {
    const client = new pg.Client(url)
    await client.connect()
    const { rows } = await client.query('show server_version')
    await client.end()
    return `PostgreSQL ${String(rows[0].server_version).split(' ')[0]}`
  },
}

/** Who a server runs as that refuses to run as root: one of its own where there is one, else nobody. */
export async function lesserUser(): Promise<{ readonly uid?: number; readonly gid?: number }> {
  if (process.getuid?.() !== 0) return {}
  const users = await readFile('/etc/passwd', 'utf8')
  const [, uid, gid] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(users) ?? ['', '65534', '65534']
  return { uid: Number(uid), gid: Number(gid) }
}

async function start(program: string): Promise<Server> {
  const port = await freePort()
  const user = await lesserUser()
  const { path, remove } = await dataFolder('postgres')
  const data = join(path, 'data')
  const secret = join(path, 'password')
  await writeFile(secret, password)
  if (user.uid !== undefined && user.gid !== undefined) {
    for (const mine of [path, secret]) await chown(mine, user.uid, user.gid)
  }
  const initialize = ['-D', data, '-U', 'postgres', '-A', 'scram-sha-256', '--pwfile', secret]
  await execute(join(program, '../initdb'), [...initialize, '-E', 'UTF8', '--locale=C', '--no-sync'], {
    ...user,
    cwd: path,
  })
  const url = urlOf(port)
  const settings = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=300',
  ]
  const server = await ServerProcess.start({
    program,
    args: ['-D', data, ...settings.flatMap(setting => ['-c', setting])],
    ...user,
    log: join(path, 'log'),
    ready: () => postgres.describe(url),
  })
  const stop = async () => {
    await server.end('SIGQUIT')
    await remove()
  }
  return {
    url,
    async kill() {
      const children = await childrenOf(server.pid)
      await server.end('SIGKILL')
      for (const pid of children) end(pid)
    },
    restart: () => restart(server),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** Its parts may still be ending, and it refuses to start beside them. */
async function restart(server: ServerProcess): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const problem = await server.restart().then(
      () => undefined,
      error => error,
    )
    if (problem === undefined) return
    if (attempt === 19) throw problem
    await sleep(250)
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  // It exits 1 where there are none.
  const { stdout } = await execute('pgrep', ['-P', String(pid)]).catch(() => ({ stdout: '' }))
  return stdout.split('\n').filter(Boolean).map(Number)
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (Object(error).code !== 'ESRCH') throw error
  }
}

function urlOf(port: number): string {
  return `postgres://postgres:${password}@127.0.0.1:${port}/postgres`
}
