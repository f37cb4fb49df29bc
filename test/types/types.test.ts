import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '../..')
const sources = ['auth-types', 'baileys', 'buffer-json', 'cacheable-key-store']
const versions = [
  ['6.7.24', 'baileys-6'],
  ['7.0.0-rc14', '@whiskeysockets/baileys'],
] as const

/** A compilation takes a second or two here. */
const timeoutMs = 60_000

let folder: string

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'authkit-types-')))
  const options = {
    emitDeclarationOnly: true,
    rootDir: root,
    outDir: join(folder, 'emitted'),
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  }
  const files = sources.map(name => join(root, 'src', `${name}.ts`))
  await mkdir(join(folder, 'emitted'))
  const diagnostics = await compile({
    extends: join(root, 'tsconfig.json'),
    compilerOptions: options,
    files,
    include: [],
  })
  assert.equal(diagnostics, '')
}, timeoutMs)

afterAll(() => rm(folder, { recursive: true }))

test('emitted declarations import nothing but Node and each other', async () => {
  const declarations = await publicDeclarations()
  assert.deepEqual(
    Array.from(declarations.keys()).sort(),
    [...sources, 'cacheable-key-store/cacheable-types'].sort(),
  )
  const specifiers = Array.from(declarations.values()).flatMap(importsOf)
  assert.deepEqual(
    specifiers.filter(specifier => !/^(node:|\.\.?\/)/.test(specifier)),
    [],
  )
})

describe.each(versions)('a bot on Baileys %s', (version, installed) => {
  let bot: string

  // As npm would lay it out: Baileys, our declarations, and the bot's own file.
  beforeAll(async () => {
    bot = join(folder, version)
    const link = async (from: string, to: string) => {
      await mkdir(dirname(join(bot, to)), { recursive: true })
      await symlink(join(root, from), join(bot, to))
    }
    await link(`node_modules/${installed}`, 'node_modules/@whiskeysockets/baileys')
    await link('node_modules/@types', 'node_modules/@types')
    for (const [name, text] of await publicDeclarations()) {
      await mkdir(dirname(join(bot, 'src', name)), { recursive: true })
      await writeFile(join(bot, 'src', `${name}.d.ts`), text)
    }
    const source = await readFile(join(root, 'test/types/socket.ts'), 'utf8')
    await mkdir(join(bot, 'test/types'), { recursive: true })
    await writeFile(join(bot, 'test/types/socket.ts'), source.replaceAll(/(from '\.[^']*)\.ts'/g, "$1.js'"))
  })

  test.each([
    [true, 'nodenext'],
    [false, 'nodenext'],
    [true, 'bundler'],
    [false, 'bundler'],
  ])(
    'compiles, with exactOptionalPropertyTypes %s and module resolution %s',
    async (exact, resolution) => {
      const compilerOptions = {
        target: 'es2022',
        module: resolution === 'bundler' ? 'preserve' : 'nodenext',
        moduleResolution: resolution,
        strict: true,
        exactOptionalPropertyTypes: exact,
        // Off for our declarations' sake; what Baileys' own have to say is left out below.
        skipLibCheck: false,
        types: ['node'],
        noEmit: true,
      }
      const diagnostics = await compile(
        { compilerOptions, include: [join(bot, 'src'), join(bot, 'test')] },
        bot,
      )
      assert.deepEqual(ours(diagnostics), [])
    },
    timeoutMs,
  )

  test(
    'does not compile when its auth is not one',
    async () => {
      const wrong = join(bot, 'wrong')
      await mkdir(wrong)
      await writeFile(
        join(wrong, 'socket.ts'),
        `import makeWASocket from '@whiskeysockets/baileys'
      import type { AuthenticationState } from '../src/auth-types.js'
      declare const state: Omit<AuthenticationState, 'keys'>
      makeWASocket({ auth: state })`,
      )
      const compilerOptions = {
        module: 'nodenext',
        strict: true,
        skipLibCheck: true,
        types: ['node'],
        noEmit: true,
      }
      const diagnostics = ours(await compile({ compilerOptions, include: [wrong] }, bot))
      assert.equal(diagnostics.length, 1)
      assert.match(diagnostics[0] ?? '', /socket\.ts.*TS2741|socket\.ts.*TS2322/)
    },
    timeoutMs,
  )
})

/** The declarations of the sources and of all that they import, by name. */
async function publicDeclarations(): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  const waiting = [...sources]
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (found.has(name)) continue
    const text = await readFile(join(folder, 'emitted/src', `${name}.d.ts`), 'utf8')
    found.set(name, text)
    for (const specifier of importsOf(text)) {
      if (specifier.startsWith('.')) waiting.push(join(dirname(name), specifier).replace(/\.[jt]s$/, ''))
    }
  }
  return found
}

function importsOf(declaration: string): string[] {
  return Array.from(
    declaration.matchAll(/(?:from|import\(|require\(|types=)\s*["']([^"']+)["']/g),
    match => match[1] ?? '',
  )
}

/** What tsc prints for a configuration, one line a diagnostic; empty when it finds nothing. */
async function compile(config: object, where = join(folder, 'emitted')): Promise<string> {
  const path = join(where, 'tsconfig.json')
  await writeFile(path, JSON.stringify(config))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', path, '--pretty', 'false'], {
      cwd: where,
    })
    return stdout
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'stdout' in error && error.stdout)
      return String(error.stdout)
    throw error
  }
}

/** The diagnostics that are not about an installed package's own files. */
function ours(diagnostics: string): string[] {
  return diagnostics.split('\n').filter(line => /^\S/.test(line) && !/^[^(]*node_modules\//.test(line))
}
