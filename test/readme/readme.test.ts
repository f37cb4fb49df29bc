import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import * as authkit from 'baileys-authkit'
import * as memory from 'baileys-authkit/memory'
import * as mongodb from 'baileys-authkit/mongodb'
import * as multiFile from 'baileys-authkit/multi-file'
import * as mysql from 'baileys-authkit/mysql'
import * as postgres from 'baileys-authkit/postgres'
import * as redis from 'baileys-authkit/redis'
import * as sealing from 'baileys-authkit/sealed'
import * as sqlite from 'baileys-authkit/sqlite'
import { MongoClient } from 'mongodb'
import { repository } from '../built.ts'
import { GuideBot } from '../guides/guide-bot.ts'
import { makeProject, type Project } from '../guides/project.ts'
import { serverKind } from '../servers/kinds.ts'
import { sharedServer } from '../servers/shared-server.ts'
import { serverStore } from '../stores/server-stores.ts'
import { Bots } from '../whatsapp/bots.ts'
import { codeIn, examplesIn, readReadme, tableIn } from './examples.ts'

const observed = 'test/readme/observe.ts'
const clients = ['pg', 'mysql2', 'ioredis', 'mongodb']
const servers = ['postgres', 'mysql', 'redis', 'mongodb'] as const

let readme: string
let project: Project
let bots: Bots
let diagnostics: string

beforeAll(async () => {
  readme = await readReadme()
  project = await makeProject('7', ['@types', 'typescript', 'better-sqlite3', ...clients])
  for (const server of servers) process.env[serverKind(server).variable] = (await sharedServer(server)).url
  bots = await Bots.start()
  diagnostics = await compileAll()
})

afterAll(async () => {
  await bots[Symbol.asyncDispose]()
  await project[Symbol.asyncDispose]()
})

afterEach(async () => {
  for (const name of ['auth_info', 'sessions', 'bots.db', 'bots.db-wal', 'bots.db-shm'])
    await rm(join(project.folder, name), { recursive: true, force: true })
})

beforeEach(async () => {
  const server = serverOf(expect.getState().currentTestName ?? '')
  // What another run has left in the example's place.
  if (server) await eraseExample(server)
})

test('every block of code has a name, and each name has a test here', () => {
  const { named, unnamed } = examplesIn(readme)
  expect(unnamed).toEqual([])
  expect([...named.keys()].sort()).toEqual([
    'cache',
    'drop-in',
    'errors',
    'many-sessions',
    'mongodb',
    'mongodb-cached',
    'mysql',
    'own-store',
    'postgres',
    'prove-it',
    'redis',
    'sealed',
    'sqlite',
    'whole-bot',
  ])
})

test('every block compiles, and so does every option in the table', () => {
  expect(diagnostics).toBe('')
})

test.each([
  ['drop-in', '15558001'],
  ['sqlite', '15558003'],
  ['cache', '15558004'],
  ['sealed', '15558005'],
  ['postgres', '15558006'],
  ['mysql', '15558007'],
  ['redis', '15558008'],
  ['mongodb', '15558009'],
  ['mongodb-cached', '15558010'],
])('%s: the bot pairs, and logs in without a QR code when it is started again', async (name, number) => {
  process.env.BOT_KEY = randomBytes(32).toString('base64')
  await using bot = new GuideBot({
    folder: project.folder,
    script: `${name}.js`,
    server: bots.server,
    preloads: [observed],
  })
  bot.start()
  const jid = await bots.server.scan(await bot.until('observed QR '), number)
  if (serverOf(name)) {
    // Its database client keeps the process alive when the connection to WhatsApp is at its end.
    await bot.until('observed close')
    // What it was told last may be on its way to the server.
    await setTimeout(1_000)
    await bot.kill()
  } else expect(await bot.untilEnd()).toBe(0)
  bot.start()
  await bot.until('observed open')
  expect(bots.server.online()).toContain(jid)
  expect(bot.linesOf('observed QR ')).toHaveLength(1)
  expect(bot.errors).toBe('')
  await bot.kill()
  process.env.BOT_KEY = randomBytes(32).toString('base64')
  if (name === 'sealed') await expect(output('sealed.js')).rejects.toThrow('RECORD_CORRUPT')
})

test('whole-bot: it pairs, connects again, ends cleanly by SIGTERM, and the next one need not wait', async () => {
  await using bot = new GuideBot({
    folder: project.folder,
    script: 'whole-bot.js',
    server: bots.server,
    preloads: [observed],
  })
  bot.start()
  const jid = await bots.server.scan(await bot.until('observed QR '), '15558002')
  await bot.until('observed open')
  await bot.until('observed close')
  bots.server.drop(jid)
  await bot.until('observed close')
  await bot.until('observed open')
  await inUse()
  expect(await bot.kill('SIGTERM')).toBe(0)
  await bot.until('observed close')

  const auth = await authkit.useMultiFileAuthState(join(project.folder, 'auth_info'), {
    lease: { waitMs: 0 },
  })
  expect(auth.state.creds.me?.id).toBe(jid)
  await auth.close()
  bot.start()
  await bot.until('observed open')
  bots.server.logOut(jid)
  await bot.until('observed close')
  await untilGone(join(project.folder, 'auth_info/creds.json'))
  expect(bot.linesOf('observed QR ')).toHaveLength(1)
  expect(bot.errors).toBe('')
})

test('many-sessions: both are opened and closed', async () => {
  expect(await output('many-sessions.js')).toBe('undefined undefined\n')
  expect(await output('many-sessions.js')).toBe('undefined undefined\n')
})

test('errors: a free session is opened and closed, again and again', async () => {
  const registrationId = await output('errors.js')
  expect(registrationId).toMatch(/^\d+\n$/)
  expect(await output('errors.js')).toMatch(/^\d+\n$/)
})

test('own-store and prove-it: the store passes the whole suite', async () => {
  const report = await output('--test-reporter=tap', 'prove-it.js')
  expect(report).toMatch(/^# fail 0$/m)
  expect(report).toMatch(/^# cancelled 0$/m)
  expect(report).toMatch(/^# skipped 0$/m)
  expect(Number(/^# pass (\d+)$/m.exec(report)?.[1])).toBeGreaterThan(50)
})

test('the table of errors lists every code, with its status', async () => {
  const source = await readFile(join(repository, 'src/errors.ts'), 'utf8')
  const union = source.slice(source.indexOf('AuthStateErrorCode ='), source.indexOf('const statusCodes'))
  const codes = [...union.matchAll(/\| '([A-Z_]+)'/g)].map(match => match[1])
  const rows = tableIn(readme, 'code', 'status')
  const listed = rows.flatMap(([code = '', status]) =>
    codeIn(code).map(each => [each, Number(status)] as const),
  )
  expect(listed.map(([code]) => code).sort()).toEqual(codes.sort())
  for (const [code, status] of listed) {
    const error = new authkit.AuthStateError(code as authkit.AuthStateErrorCode, '') // As just compared.
    expect([code, error.output.statusCode]).toEqual([code, status])
  }
})

test('the defaults in the table of options are those of the declarations', async () => {
  const source = await readFile(join(repository, 'src/auth-state.ts'), 'utf8')
  const defaultOf = (name: string): string | undefined =>
    new RegExp(`@default (\\S+) \\*/\\s+readonly ${name}\\?`).exec(source)?.[1]
  const nested = tableIn(readme, 'option').flatMap(([option = '', value = '']) => {
    const names = /{ (.*) }/.exec(option)?.[1]?.split(', ') ?? []
    return names.map((name, index) => [name, codeIn(value)[index]] as const)
  })
  for (const [name, value] of nested.filter(([name]) => name !== 'maxBytes'))
    expect([name, value]).toEqual([name, defaultOf(name)])
  expect(nested.length).toBeGreaterThan(4)
})

test('every function, module and script that README names is there', async () => {
  const manifest = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8'))
  const text = readme.replaceAll(/^```ts$.*?^```$/gms, '')
  const methods = ['close', 'remove', 'saveCreds', 'keys.set', 'write']
  for (const code of codeIn(text)) {
    const call = /^([\w.]+)\(/.exec(code)?.[1]
    if (call === undefined || methods.includes(call)) continue
    expect([
      code,
      call in
        {
          ...authkit,
          ...memory,
          ...multiFile,
          ...mongodb,
          ...mysql,
          ...postgres,
          ...redis,
          ...sealing,
          ...sqlite,
        },
    ]).toEqual([code, true])
  }
  for (const [entry] of readme.matchAll(/baileys-authkit\/[\w-]+/g))
    expect(Object.keys(manifest.exports)).toContain(entry.replace('baileys-authkit', '.'))
  for (const [, script = ''] of readme.matchAll(/npm run ([\w:]+)/g))
    expect(Object.keys(manifest.scripts)).toContain(script)
  for (const [, path = ''] of readme.matchAll(/\]\((?!http|#)([^)]+)\)/g))
    await readFile(join(repository, path))
})

/** Makes JavaScript of all blocks; gives what the compiler has to say. */
async function compileAll(): Promise<string> {
  const { named } = examplesIn(readme)
  for (const [name, source] of named) await writeFile(join(project.folder, `${name}.ts`), source)
  await writeFile(join(project.folder, 'options.ts'), optionsAsTypes())
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    strict: true,
    types: ['node'],
    skipLibCheck: true,
    rewriteRelativeImportExtensions: true,
    noUnusedLocals: true,
  }
  const files = [...named.keys(), 'options'].map(name => `${name}.ts`)
  await writeFile(join(project.folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  const tsc = join(repository, 'node_modules/typescript/bin/tsc')
  return output(tsc, '-p', '.', '--pretty', 'false').catch(error => String(error.message))
}

function serverOf(example: string): (typeof servers)[number] | undefined {
  return servers.find(name => example.startsWith(name))
}

async function eraseExample(server: (typeof servers)[number]): Promise<void> {
  const url = process.env[serverKind(server).variable] ?? ''
  if (server !== 'mongodb') return await (await serverStore(server)).erase(url)
  await using client = new MongoClient(url)
  await client.db('whatsapp').collection('auth').deleteMany({})
}

async function untilGone(path: string): Promise<void> {
  for (let waits = 0; existsSync(path); waits++) {
    if (waits === 200) throw new Error(`${path} is still there`)
    await setTimeout(50)
  }
}

/** The errors example, while another process holds the session. */
async function inUse(): Promise<void> {
  const child = spawn(process.execPath, ['errors.js'], { cwd: project.folder })
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => said.push(text))
  expect(await once(child, 'close')).toEqual([0, null])
  expect(said.join('')).toMatch(/^SESSION_IN_USE .*\n$/)
}

/** What a process of Node prints in the project; rejects where it fails or prints an error. */
async function output(...args: readonly string[]): Promise<string> {
  // This process's own variables: jest gives each test file others, which a child would not get by itself.
  const options = { cwd: project.folder, env: process.env }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, options).catch(error => {
    throw new Error(`${error.message}\n${error.stdout}`)
  })
  if (stderr !== '') throw new Error(stderr)
  return stdout
}

/** A type for each option that the table names: it compiles only where the option is there. */
function optionsAsTypes(): string {
  const paths = tableIn(readme, 'option').flatMap(([cell = '']) => {
    const [name = '', ...nested] = cell.match(/\w+/g) ?? []
    return [[name], ...nested.map(each => [name, each])]
  })
  const types = paths.map(
    (path, index) =>
      `export type Option${index} = ${path.reduce((type, name) => `NonNullable<${type}['${name}']>`, 'Options')}`,
  )
  return [
    "import type { MultiFileAuthStateOptions, BindOptions } from 'baileys-authkit'",
    'type Options = Required<MultiFileAuthStateOptions>',
    "export type Bound = [BindOptions['onFatal'], BindOptions['onLoggedOut']]",
    ...types,
    '',
  ].join('\n')
}
