import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { repository } from '../built.ts'
import { checkBot } from './check-bot.ts'

/**
 * Packs the tarball and uses it as its users do: from an ESM project, a TypeScript project under both module
 * resolutions, a CommonJS project, and in a bot as the guides write them. Every project is a new, empty folder.
 */
const run = promisify(execFile)
const baileys = '@whiskeysockets/baileys@7.0.0-rc14'
const root = await mkdtemp(join(tmpdir(), 'baileys-authkit-install-'))
try {
  const tarball = await pack()
  await check('an ESM project imports every entry', () => checkEsm(tarball))
  await check('a CommonJS project requires it', () => checkCommonJs(tarball))
  await check('a TypeScript project compiles against it', () => checkTypes(tarball))
  await check("a guide's bot runs on it", async () => checkBot(await project('bot', tarball, {}, [baileys])))
} finally {
  await rm(root, { recursive: true, force: true })
}

async function check(what: string, work: () => Promise<void>): Promise<void> {
  process.stdout.write(`${what} ... `)
  await work()
  process.stdout.write('ok\n')
}

async function pack(): Promise<string> {
  await run('npm', ['pack', '--silent', '--pack-destination', root], { cwd: repository })
  const [name] = (await readdir(root)).filter(file => file.endsWith('.tgz'))
  if (!name) throw new Error('npm pack made no tarball.')
  return join(root, name)
}

/** A new folder with the tarball and other packages installed in it. */
async function project(
  name: string,
  tarball: string,
  manifest: { readonly [field: string]: unknown },
  packages: readonly string[],
): Promise<string> {
  const folder = join(root, name)
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name, private: true, ...manifest }))
  await run('npm', ['install', '--silent', '--no-audit', '--no-fund', tarball, ...packages], { cwd: folder })
  return folder
}

const opens = `
  const auth = await useMultiFileAuthState('auth_info')
  await auth.state.keys.set({ 'lid-mapping': { '5511': '77' } })
  await auth.close()
  const again = await useMultiFileAuthState('auth_info')
  const { 5511: lid } = await again.state.keys.get('lid-mapping', ['5511'])
  if (lid !== '77' || again.state.creds.registrationId !== auth.state.creds.registrationId) throw new Error('not what was stored')
  await again.close()
`

async function checkEsm(tarball: string): Promise<void> {
  const folder = await project('esm', tarball, { type: 'module' }, [baileys])
  const entries = Object.keys(await exportsOf()).map(entry => entry.replace(/^\./, 'baileys-authkit'))
  const imports = entries.map(entry =>
    entry.endsWith('.json')
      ? `await import('${entry}', { with: { type: 'json' } })`
      : `await import('${entry}')`,
  )
  await writeFile(
    join(folder, 'index.js'),
    `import { useMultiFileAuthState } from 'baileys-authkit'\n${imports.join('\n')}\n${opens}`,
  )
  await run(process.execPath, ['index.js'], { cwd: folder })
}

async function checkCommonJs(tarball: string): Promise<void> {
  const folder = await project('commonjs', tarball, {}, [baileys])
  await writeFile(
    join(folder, 'index.js'),
    `const { useMultiFileAuthState } = require('baileys-authkit')\nasync function main() {${opens}}\nmain()`,
  )
  await run(process.execPath, ['index.js'], { cwd: folder })
}

async function checkTypes(tarball: string): Promise<void> {
  const packages = [baileys, 'typescript@7.0.2', '@types/node@20']
  const folder = await project('types', tarball, { type: 'module' }, packages)
  await writeFile(
    join(folder, 'index.ts'),
    `import makeWASocket from '@whiskeysockets/baileys'
import { type AuthState, AuthStateError, memoryStore, useAuthState, useMultiFileAuthState } from 'baileys-authkit'
import { multiFileStore } from 'baileys-authkit/multi-file'
import { storeSuite } from 'baileys-authkit/testing'

const { state, saveCreds } = await useMultiFileAuthState('auth_info')
const sock = makeWASocket({ auth: state })
sock.ev.on('creds.update', saveCreds)
const auth: AuthState = await useAuthState(multiFileStore('sessions'), { session: 'a', lease: { waitMs: 0 } })
auth.bind(sock.ev, { onFatal: error => sock.end(error) })
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
          types: ['node'],
        },
        files: ['index.ts'],
      }),
    )
    const output = await run(join(folder, 'node_modules/.bin/tsc'), ['-p', '.'], { cwd: folder }).then(
      () => '',
      error => String(error.stdout),
    )
    // skipLibCheck is off: what Baileys' own declarations complain of is theirs.
    const ours = output.split('\n').filter(line => /^(index\.ts|node_modules\/baileys-authkit)/.test(line))
    if (ours.length > 0) throw new Error(`under ${moduleResolution}:\n${ours.join('\n')}`)
  }
}

async function exportsOf(): Promise<{ readonly [entry: string]: unknown }> {
  return JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')).exports
}
