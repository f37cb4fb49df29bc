import { chown, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { findProgram } from './find-program.ts'
import { freePort } from './free-port.ts'
import { lesserUser, postgres } from './postgres.ts'
import type { Server, ServerKind } from './server.ts'
import { dataFolder, ServerProcess } from './server-process.ts'
import { sharedServer } from './shared-server.ts'

/** PgBouncer in transaction mode, in front of the PostgreSQL that tests share, else of one of its own. */
export const pgbouncer: ServerKind = {
  name: 'pgbouncer',
  title: 'PgBouncer',
  variable: 'PGBOUNCER_URL',
  packages: ['pgbouncer', 'postgresql'],
  service: 'pgbouncer',
  containerUrl: ([port = 0]) => `postgres://postgres:authkit@127.0.0.1:${port}/postgres`,
  async find() {
    const hasDatabase = process.env[postgres.variable] || (await postgres.find())
    return hasDatabase ? findProgram(['pgbouncer'], ['/usr/sbin', '/usr/local/sbin']) : undefined
  },
  start,
  async describe(url) {
    const client = new pg.Client(url)
    await client.connect()
    await client.end()
    // Only administrators of it may ask.
    return versionAt(url).catch(() => 'PgBouncer')
  },
}

async function versionAt(url: string): Promise<string> {
  const admin = new URL(url)
  admin.pathname = '/pgbouncer'
  const client = new pg.Client(admin.href)
  await client.connect()
  const { rows } = await client.query('show version')
  await client.end()
  return String(rows[0].version)
}

async function start(program: string): Promise<Server> {
  const behind = await databaseServer()
  const target = new URL(behind.url)
  const user = decodeURIComponent(target.username)
  const port = await freePort()
  const { path, remove } = await dataFolder('pgbouncer')
  const files = {
    users: `"${user}" "${decodeURIComponent(target.password)}"\n`,
    'pgbouncer.ini': [
      '[databases]',
      `* = host=${target.hostname} port=${target.port || 5432}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = scram-sha-256',
      `auth_file = ${join(path, 'users')}`,
      `admin_users = ${user}`,
      'pool_mode = transaction',
      'max_client_conn = 500',
      'default_pool_size = 10',
      '',
    ].join('\n'),
  }
  const owner = await lesserUser()
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text)
  if (owner.uid !== undefined && owner.gid !== undefined) {
    for (const name of ['', ...Object.keys(files)]) await chown(join(path, name), owner.uid, owner.gid)
  }
  const url = new URL(behind.url)
  url.host = `127.0.0.1:${port}`
  const server = await ServerProcess.start({
    program,
    args: [join(path, 'pgbouncer.ini')],
    ...owner,
    log: join(path, 'log'),
    ready: () => pgbouncer.describe(url.href),
  })
  const stop = async () => {
    await server.end('SIGKILL')
    await remove()
    await behind.stop()
  }
  return {
    url: url.href,
    kill: () => server.end('SIGKILL'),
    restart: () => server.restart(),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

async function databaseServer(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const given = process.env[postgres.variable]
  if (given) return { url: given, stop: async () => {} }
  if (process.env.AUTHKIT_SERVERS) {
    const { url } = await sharedServer('postgres')
    return { url, stop: async () => {} }
  }
  const program = await postgres.find()
  if (program === undefined) throw new Error('PgBouncer needs a PostgreSQL to stand in front of.')
  return postgres.start(program)
}
