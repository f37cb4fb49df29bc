import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createConnection } from 'mysql2/promise'
import { findProgram } from './find-program.ts'
import { freePort } from './free-port.ts'
import type { Server, ServerKind } from './server.ts'
import { dataFolder, ServerProcess } from './server-process.ts'

const execute = promisify(execFile)
const folders = ['/usr/sbin', '/usr/libexec', '/usr/local/mysql/bin', '/opt/homebrew/bin']
const database = 'authkit'

/** MySQL or MariaDB, whichever there is. */
export const mysql: ServerKind = {
  name: 'mysql',
  title: 'MySQL or MariaDB',
  variable: 'MYSQL_URL',
  packages: ['mariadb-server'],
  service: 'mysql',
  containerUrl: ([port]) => `mysql://root@127.0.0.1:${port}/${database}`,
  find: () => findProgram(['mariadbd', 'mysqld'], folders),
  start,
  describe,
}

async function start(program: string): Promise<Server> {
  const { path, remove } = await dataFolder('mysql')
  const data = join(path, 'data')
  const user = userArguments()
  await makeData(program, path, data, user)
  const port = await freePort()
  const url = `mysql://root@127.0.0.1:${port}/${database}`
  const running = await ServerProcess.start({
    program,
    args: [
      '--no-defaults',
      `--datadir=${data}`,
      // A server that starts deletes what it takes for its own there, and may mean that of another one.
      `--tmpdir=${path}`,
      '--bind-address=127.0.0.1',
      `--port=${port}`,
      // A path of its own that is short enough for a socket.
      `--socket=${join(path, 's')}`,
      `--pid-file=${join(path, 'pid')}`,
      ...user,
      '--innodb-flush-log-at-trx-commit=1',
      '--sync-binlog=1',
      '--max-connections=500',
    ],
    log: join(path, 'log'),
    ready: () => makeDatabase(url),
  })
  const stop = async () => {
    await running.end('SIGKILL')
    await remove()
  }
  return {
    url,
    kill: () => running.end('SIGKILL'),
    restart: () => running.restart(),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** It refuses to run as root unless that is said. */
function userArguments(): readonly string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : []
}

async function makeData(program: string, path: string, data: string, user: readonly string[]): Promise<void> {
  const { stdout } = await execute(program, ['--no-defaults', '--version'])
  if (!stdout.includes('MariaDB')) {
    await execute(program, ['--no-defaults', '--initialize-insecure', `--datadir=${data}`, ...user])
    return
  }
  const installer = await findProgram(
    ['mariadb-install-db'],
    ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'],
  )
  if (installer === undefined) throw new Error(`There is ${program}, but no mariadb-install-db.`)
  await execute(installer, [
    '--no-defaults',
    `--datadir=${data}`,
    `--tmpdir=${path}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    ...user,
  ])
}

async function makeDatabase(url: string): Promise<void> {
  const server = new URL(url)
  server.pathname = ''
  const connection = await createConnection(server.href)
  await connection.query(`create database if not exists ${database}`)
  await connection.end()
}

async function describe(url: string): Promise<string> {
  const connection = await createConnection(url)
  const [[row] = []] = await connection.query<never[]>('select version() as version')
  await connection.end()
  const version = String(Object(row).version)
  const [, number] = /^([\d.]+)/.exec(version) ?? []
  return `${version.includes('MariaDB') ? 'MariaDB' : 'MySQL'} ${number}`
}
