import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { repository } from '../built.ts'
import { checkBot } from './check-bot.ts'

const baileys = '@whiskeysockets/baileys@7.0.0-rc14'
const betterSqlite = 'better-sqlite3@12.11.1'
const clients = ['pg@8', 'mysql2@3', 'ioredis@6', 'redis@6', 'mongodb@7']
const largestUnpackedBytes = 1024 * 1024
const execute = promisify(execFile)

const opens = `
  const auth = await useMultiFileAuthState('auth_info')
  await auth.state.keys.set({ 'lid-mapping': { '5511': '77' } })
  await auth.close()
  const again = await useMultiFileAuthState('auth_info')
  const { 5511: lid } = await again.state.keys.get('lid-mapping', ['5511'])
  if (lid !== '77' || again.state.creds.registrationId !== auth.state.creds.registrationId) throw new Error('not what was stored')
  await again.close()
`

/**
 * Packs the tarball and uses it as its users do: from an ESM project, a TypeScript project under all module
 * resolutions, a CommonJS project, one without Baileys, and in a bot as the guides write them. Every project is a
 * new, empty folder.
 */
async function main(root: string): Promise<void> {
  const tarball = await pack(root)
  const inFolder = (name: string, manifest: object, ...packages: string[]): Promise<string> =>
    project(join(root, name), tarball, { name, private: true, ...manifest }, packages)
  await check('the tarball holds what users need', () => checkTarball(root, tarball))
  await check('a project without Baileys imports it', async () => checkBare(await inFolder('bare', {})))
  await check('an ESM project imports every entry', async () =>
    checkEsm(await inFolder('esm', { type: 'module' }, baileys)),
  )
  await check('a CommonJS project requires it', async () =>
    checkCommonJs(await inFolder('commonjs', {}, baileys)),
  )
  await check('an encrypted SQLite database opens again', async () =>
    checkSqlite(await inFolder('sqlite', { type: 'module' }, baileys, betterSqlite)),
  )
  await check('a TypeScript project compiles against it', async () =>
    checkTypes(
      await inFolder(
        'types',
        { type: 'module' },
        baileys,
        'typescript@7.0.2',
        '@types/node@20',
        '@types/pg@8',
        ...clients,
      ),
    ),
  )
  await check("a guide's bot runs on it", async () => checkBot(await inFolder('bot', {}, baileys)))
}

async function check(what: string, work: () => Promise<unknown>): Promise<void> {
  process.stdout.write(`${what} ... `)
  const remark = await work()
  process.stdout.write(typeof remark === 'string' ? `ok (${remark})\n` : 'ok\n')
}

async function pack(root: string): Promise<string> {
  await execute('npm', ['pack', '--silent', '--pack-destination', root], { cwd: repository })
  const [name] = (await readdir(root)).filter(file => file.endsWith('.tgz'))
  if (!name) throw new Error('npm pack made no tarball.')
  return join(root, name)
}

/** A new folder with the tarball and other packages installed in it, without a word about ours. */
async function project(
  folder: string,
  tarball: string,
  manifest: object,
  packages: readonly string[],
): Promise<string> {
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
  const install = ['install', '--no-audit', '--no-fund', '--no-progress', tarball, ...packages]
  const { stdout, stderr } = await execute('npm', install, { cwd: folder })
  // What npm deprecates among Baileys' dependencies, or finds in the user's own settings, is not ours.
  const ours = `${stdout}\n${stderr}`
    .split('\n')
    .filter(line => /baileys-authkit|ERESOLVE|EBADENGINE/.test(line))
  assert.deepEqual(ours, [])
  return folder
}

async function checkTarball(root: string, tarball: string): Promise<string> {
  const folder = join(root, 'unpacked')
  await mkdir(folder)
  await execute('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1'])
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1))
  const outside = paths.filter(path => !/^dist\/(package|src|adapters|test\/suite)\//.test(path))
  assert.deepEqual(outside.sort(), ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'])
  const isBuilt = (path: string): boolean =>
    (path.startsWith('dist/package/') && path.endsWith('.js')) ||
    (path.endsWith('.d.ts') &&
      existsSync(join(repository, path.slice('dist/'.length).replace(/\.d\.ts$/, '.ts'))))
  // A map would point to sources that are not packed; a file without a source is left of an older build.
  assert.deepEqual(
    paths.filter(path => path.startsWith('dist/') && !isBuilt(path)),
    [],
    'these have no source here: delete dist and build again',
  )
  const texts = await Promise.all(paths.map(path => readFile(join(folder, path), 'utf8')))
  assert.deepEqual(
    paths.filter((_, index) => texts[index]?.includes('sourceMappingURL=')),
    [],
  )
  const { scripts } = await manifestIn(folder)
  assert.deepEqual(
    Object.keys(scripts).filter(name => /^(pre|post)?(install|prepare)$/.test(name)),
    [],
  )
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  assert.ok(bytes < largestUnpackedBytes, `${bytes} bytes`)
  return `${paths.length} files, ${Math.round(bytes / 1024)} KiB unpacked`
}

/** Only opening a session needs Baileys, and says so. */
async function checkBare(folder: string): Promise<void> {
  const opening = `
    async function open({ useMultiFileAuthState, useMemoryAuthState, useAuthState, memoryStore }) {
      const opened = [
        () => useMultiFileAuthState('auth_info'),
        () => useMemoryAuthState(),
        () => useAuthState(memoryStore(), { session: 'a' }),
      ]
      for (const each of opened) {
        const error = await each().then(() => undefined, error => error)
        const names = ['@whiskeysockets/baileys', '\`baileys\`', 'option']
        if (!(error instanceof TypeError) || !names.every(name => error.message.includes(name)))
          throw new Error('not the error that was expected', { cause: error })
      }
    }`
  await writeFile(
    join(folder, 'index.mjs'),
    `import * as authkit from 'baileys-authkit'\n${opening}\nawait open(authkit)`,
  )
  await writeFile(join(folder, 'index.cjs'), `${opening}\nopen(require('baileys-authkit'))`)
  await runQuietly(folder, 'index.mjs')
  await runQuietly(folder, 'index.cjs')
}

async function checkEsm(folder: string): Promise<void> {
  const entries = await entriesIn(folder)
  const imports = entries.map(entry =>
    entry.endsWith('.json') ? `createRequire(import.meta.url)('${entry}')` : `await import('${entry}')`,
  )
  await writeFile(
    join(folder, 'index.js'),
    `import { createRequire } from 'node:module'\nimport { useMultiFileAuthState } from 'baileys-authkit'\n${imports.join(';\n')}\n${opens}`,
  )
  await runQuietly(folder, 'index.js')
}

async function checkCommonJs(folder: string): Promise<void> {
  // A module with a top-level await can't be required.
  const requires = (await entriesIn(folder)).map(entry => `require('${entry}')`)
  await writeFile(
    join(folder, 'index.js'),
    `const { useMultiFileAuthState } = require('baileys-authkit')\n${requires.join('\n')}\nasync function main() {${opens}}\nmain()`,
  )
  await runQuietly(folder, 'index.js')
}

async function checkSqlite(folder: string): Promise<void> {
  await writeFile(
    join(folder, 'index.js'),
    `import { useAuthState } from 'baileys-authkit'
import { sealed } from 'baileys-authkit/sealed'
import { sqliteStore, useSqliteAuthState } from 'baileys-authkit/sqlite'
${opens.replaceAll("useMultiFileAuthState('auth_info')", "useSqliteAuthState('bots.db')")}
const store = sealed(sqliteStore('bots.db'), { keys: { main: new Uint8Array(32) }, hideNames: true })
const locked = await useAuthState(store, { session: 'locked' })
await locked.saveCreds()
await locked.close()
await store.close()
`,
  )
  await runQuietly(folder, 'index.js')
  // What was written encrypted opens in another process, and with another key does not.
  await runQuietly(folder, 'index.js')
  const wrong = (await readFile(join(folder, 'index.js'), 'utf8')).replace(
    'new Uint8Array(32)',
    'new Uint8Array(32).fill(1)',
  )
  await writeFile(join(folder, 'wrong.js'), wrong)
  await assert.rejects(runQuietly(folder, 'wrong.js'), /RECORD_CORRUPT/)
}

async function checkTypes(folder: string): Promise<void> {
  await writeFile(
    join(folder, 'index.ts'),
    `import makeWASocket from '@whiskeysockets/baileys'
import { type AuthState, AuthStateError, makeCacheableSignalKeyStore, memoryStore, useAuthState, useMultiFileAuthState } from 'baileys-authkit'
import { mongoStore, useMongoAuthState } from 'baileys-authkit/mongodb'
import { multiFileStore } from 'baileys-authkit/multi-file'
import { mysqlStore, useMySQLAuthState } from 'baileys-authkit/mysql'
import { postgresStore, usePostgresAuthState } from 'baileys-authkit/postgres'
import { redisStore, useRedisAuthState } from 'baileys-authkit/redis'
import { sealed } from 'baileys-authkit/sealed'
import { sqliteStore, useSqliteAuthState } from 'baileys-authkit/sqlite'
import { storeSuite } from 'baileys-authkit/testing'
import { Cluster, Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { createPool } from 'mysql2/promise'
import { Client, Pool } from 'pg'
import { createClient, createCluster } from 'redis'

const { state, saveCreds } = await useMultiFileAuthState('auth_info')
const sock = makeWASocket({ auth: state })
sock.ev.on('creds.update', saveCreds)
const auth: AuthState = await useAuthState(multiFileStore('sessions'), { session: 'a', lease: { waitMs: 0 } })
auth.bind(sock.ev, { onFatal: error => sock.end(error) })
makeWASocket({ auth: { creds: state.creds, keys: makeCacheableSignalKeyStore(state.keys) } })
makeWASocket({ auth: (await useSqliteAuthState('bots.db')).state })
await useAuthState(sealed(sqliteStore('bots.db'), { keys: { main: 'a passphrase' } }), { session: 'b' })
const collection = new MongoClient('mongodb://127.0.0.1').db().collection('auth')
await useMongoAuthState(collection)
await usePostgresAuthState(new Pool(), { session: 'a', table: 'sessions' })
await useMySQLAuthState(createPool({}), { session: 'a' })
await useRedisAuthState(new Redis(), { session: 'a', prefix: 'bots:' })
await useRedisAuthState(createClient(), { session: 'a' })
export const stores = [
  mongoStore(collection),
  mysqlStore(createPool({})),
  postgresStore(new Client()),
  redisStore(new Cluster([])),
  redisStore(createCluster({ rootNodes: [] })),
]
export const exported = [AuthStateError, memoryStore, storeSuite]
`,
  )
  for (const moduleResolution of ['node16', 'nodenext', 'bundler']) {
    const module = moduleResolution === 'bundler' ? 'esnext' : moduleResolution
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          module,
          moduleResolution,
          target: 'es2022',
          strict: true,
          noEmit: true,
          skipLibCheck: false,
          types: ['node'],
        },
        files: ['index.ts'],
      }),
    )
    const output = await execute(join(folder, 'node_modules/.bin/tsc'), ['-p', '.'], { cwd: folder }).then(
      () => '',
      error => String(error.stdout),
    )
    // What Baileys' own declarations complain of is theirs.
    const ours = output.split('\n').filter(line => /^(index\.ts|node_modules\/baileys-authkit)/.test(line))
    if (ours.length > 0) throw new Error(`under ${moduleResolution}:\n${ours.join('\n')}`)
  }
}

async function entriesIn(folder: string): Promise<string[]> {
  const { exports } = await manifestIn(join(folder, 'node_modules/baileys-authkit'))
  return Object.keys(exports).map(entry => entry.replace(/^\./, 'baileys-authkit'))
}

async function manifestIn(folder: string): Promise<{ readonly scripts: object; readonly exports: object }> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
}

/** Runs a script that has to succeed, and to end, without printing anything: no warning of Node's either. */
async function runQuietly(folder: string, script: string): Promise<void> {
  const { stdout, stderr } = await execute(process.execPath, [script], { cwd: folder, timeout: 60_000 })
  assert.deepEqual({ stdout, stderr }, { stdout: '', stderr: '' })
}

const root = await mkdtemp(join(tmpdir(), 'baileys-authkit-install-'))
try {
  await main(root)
} catch (error) {
  process.stdout.write('failed\n')
  console.error(error)
  process.exitCode = 1
} finally {
  await rm(root, { recursive: true, force: true })
}
