import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { transform } from '@swc/core'
import * as baileys7 from '@whiskeysockets/baileys'
import * as baileys6 from 'baileys-6'
import { type BaileysModule, loadBaileys, reviveKey } from '../src/baileys.ts'
import { BufferJSON, decode, encode } from '../src/buffer-json.ts'

const versions = [
  ['6.7.24', baileys6],
  ['7.0.0-rc14', baileys7],
] as const

describe('loadBaileys with a given module', () => {
  test.each(versions)('takes %s, whole or under default', async (_version, baileys) => {
    assert.equal(await loadBaileys(baileys), baileys)
    const underDefault: unknown = { default: baileys }
    assert.equal(await loadBaileys(underDefault as BaileysModule), baileys) // As a caller without types passes it.
    assert.equal((await loadBaileys(baileys)).initAuthCreds().registered, false)
  })

  test.each([{}, null, 'baileys', baileys7.default, { initAuthCreds: () => ({}) }, { default: {} }])(
    'refuses what is not Baileys: %#',
    async given => {
      const wrong: unknown = given
      await assert.rejects(loadBaileys(wrong as BaileysModule), error => {
        // As a caller without types passes it.
        assert.ok(error instanceof TypeError)
        assert.match(error.message, /option `baileys`.*import \* as baileys from/)
        return true
      })
    },
  )
})

test('loadBaileys finds the installed package, and the same one each time', async () => {
  const [first, second] = await Promise.all([loadBaileys(), loadBaileys()])
  assert.equal(first.initAuthCreds, baileys7.initAuthCreds)
  assert.equal(second, first)
  assert.equal(await loadBaileys(), first)
  assert.equal(await loadBaileys(baileys6), baileys6)
})

describe('loadBaileys where it is installed otherwise', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'authkit-baileys-'))
    const source = await readFile(join(import.meta.dirname, '../src/baileys.ts'), 'utf8')
    const options = {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'es6' },
    } as const
    await write('baileys.mjs', (await transform(source, options)).code)
  })
  afterEach(() => rm(folder, { recursive: true }))

  const module = (name: string) => `{
    initAuthCreds: () => ({ from: ${JSON.stringify(name)} }),
    proto: { Message: { AppStateSyncKeyData: { fromObject: object => object } } },
  }`
  const asModule = (name: string) => `export const { initAuthCreds, proto } = ${module(name)}`

  test('neither package: a TypeError that names both, and the option', async () => {
    const { name, message } = await load()
    assert.equal(name, 'TypeError')
    assert.match(message, /npm install @whiskeysockets\/baileys/)
    assert.match(message, /`baileys`\)/)
    assert.match(message, /option `baileys`/)
  })

  test('only the package named baileys', async () => {
    await install('baileys', asModule('baileys'))
    assert.deepEqual(await load(), { from: 'baileys' })
  })

  test('a resolver that speaks as CommonJS does, such as jest', async () => {
    const hooks = `export async function resolve(specifier, context, next) {
      if (!specifier.endsWith('baileys')) return next(specifier, context)
      throw Object.assign(new Error("Cannot find module '" + specifier + "' from 'src/baileys.ts'"), { code: 'MODULE_NOT_FOUND' })
    }`
    await write('hooks.mjs', hooks)
    const { name, message } = await load(
      `(await import('node:module')).register('./hooks.mjs', import.meta.url)`,
    )
    assert.equal(name, 'TypeError')
    assert.match(message, /option `baileys`/)
  })

  test('both: @whiskeysockets/baileys is taken', async () => {
    await install('@whiskeysockets/baileys', asModule('@whiskeysockets/baileys'))
    await install('baileys', asModule('baileys'))
    assert.deepEqual(await load(), { from: '@whiskeysockets/baileys' })
  })

  test('a CommonJS build, whose exports are under default', async () => {
    await install(
      'baileys',
      `const build = () => (${module('cjs')}); module['exports'] = build()`,
      'commonjs',
    )
    assert.deepEqual(await load(), { from: 'cjs' })
  })

  test('one that misses a dependency of its own: that error, not the other package', async () => {
    await install('@whiskeysockets/baileys', `import 'pino'\n${asModule('@whiskeysockets/baileys')}`)
    await install('baileys', asModule('baileys'))
    const { code, message } = await load()
    assert.equal(code, 'ERR_MODULE_NOT_FOUND')
    assert.match(message, /Cannot find package 'pino'/)
  })

  test('a CommonJS build that misses a dependency of its own: that error too', async () => {
    await install('@whiskeysockets/baileys', `require('pino')`, 'commonjs')
    await install('baileys', asModule('baileys'))
    const { code, message } = await load()
    assert.equal(code, 'MODULE_NOT_FOUND')
    assert.match(message, /Cannot find module 'pino'/)
  })

  test('one without its files: that error', async () => {
    await install('@whiskeysockets/baileys', asModule('@whiskeysockets/baileys'))
    await rm(join(folder, 'node_modules/@whiskeysockets/baileys/lib.js'))
    await install('baileys', asModule('baileys'))
    const { code, message } = await load()
    assert.equal(code, 'ERR_MODULE_NOT_FOUND')
    assert.match(message, /lib\.js/)
  })

  test('one that throws as it loads: that error', async () => {
    await install('@whiskeysockets/baileys', `throw new Error('no crypto here')`)
    await install('baileys', asModule('baileys'))
    assert.deepEqual(await load(), { name: 'Error', message: 'no crypto here' })
  })

  test('a package of that name that is not Baileys: a TypeError that names it', async () => {
    await install('@whiskeysockets/baileys', 'export const proto = {}')
    const { name, message } = await load()
    assert.equal(name, 'TypeError')
    assert.match(message, /package @whiskeysockets\/baileys/)
  })

  test('one that is installed after a first call', async () => {
    const code = `import { loadBaileys } from './baileys.mjs'
      import { cpSync } from 'node:fs'
      const first = await loadBaileys().catch(error => error.name)
      cpSync('later', 'node_modules', { recursive: true })
      console.log(JSON.stringify([first, (await loadBaileys()).initAuthCreds()]))`
    await install('baileys', asModule('baileys'), 'module', 'later')
    assert.deepEqual(await run(code), ['TypeError', { from: 'baileys' }])
  })

  /** What initAuthCreds of the module found there gives, or the error. */
  function load(before = ''): Promise<{ name: string; code?: string; message: string; from?: string }> {
    return run(`import { loadBaileys } from './baileys.mjs'
      ${before}
      const told = ({ name, code, message }) => ({ name, code, message })
      console.log(JSON.stringify(await loadBaileys().then(found => found.initAuthCreds(), told)))`)
  }

  async function run<T>(code: string): Promise<T> {
    await write('main.mjs', code)
    const { stdout } = await promisify(execFile)(process.execPath, ['main.mjs'], { cwd: folder })
    return JSON.parse(stdout)
  }

  async function install(name: string, code: string, type = 'module', under = 'node_modules'): Promise<void> {
    await write(join(under, name, 'package.json'), JSON.stringify({ name, type, main: 'lib.js' }))
    await write(join(under, name, 'lib.js'), code)
  }

  async function write(path: string, content: string): Promise<void> {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }
})

describe.each(versions)('reviveKey with Baileys %s', (_version, baileys) => {
  const { AppStateSyncKeyData } = baileys.proto.Message
  const keyData = Buffer.from('f3a1ff00fb7e80c2d4e6f8091a2b3c4d5e6f708192a3b4c5d6e7f8090a1b2c3d', 'hex')
  const fingerprint = { rawId: 1_234_567_890, currentIndex: 2, deviceIndexes: [0, 1, 5] }
  const timestamp = 1_700_000_000_123
  const fields = { keyData, fingerprint, timestamp }

  /** The forms in which a sync key lies in stores. */
  const stored: [string, string][] = [
    ['a message, its bytes as base64 by its own toJSON', encode(AppStateSyncKeyData.fromObject(fields))],
    [
      'a message as this Baileys writes it',
      JSON.stringify(AppStateSyncKeyData.fromObject(fields), baileys.BufferJSON.replacer),
    ],
    ['a plain object, its bytes in the form of BufferJSON', encode(fields)],
    ['a plain object with bytes of another kind', encode({ ...fields, keyData: new Uint8Array(keyData) })],
    ['a plain object with the older form of bytes', JSON.stringify(fields)],
  ]

  test.each(stored)('app-state-sync-key: %s', (_form, text) => {
    const key = reviveKey(baileys, 'app-state-sync-key', decode(text))
    // By name: both versions share protobufjs and with it one root, so each makes the classes of whichever loaded last.
    assert.equal(key.constructor.name, 'AppStateSyncKeyData')
    assert.ok('toJSON' in key && 'timestamp' in key)
    assert.ok(Buffer.from(key.keyData ?? []).equals(keyData))
    assert.deepEqual({ ...key.fingerprint }, fingerprint)
    assert.equal(Number(key.timestamp), timestamp)
    const again = reviveKey(baileys, 'app-state-sync-key', decode(encode(key)))
    assert.equal(encode(again), encode(key))
    assert.deepEqual(
      AppStateSyncKeyData.encode(again).finish(),
      AppStateSyncKeyData.encode(AppStateSyncKeyData.fromObject(fields)).finish(),
    )
  })

  test('an app-state-sync-key that has lost its bytes is an error, never a key of zeros', () => {
    const numberMap = { ...keyData.subarray(0, 4) }
    for (const lost of [numberMap, [1, 2, 3], 5, true, {}]) {
      assert.throws(() => reviveKey(baileys, 'app-state-sync-key', { ...fields, keyData: lost }), {
        name: 'TypeError',
      })
    }
    for (const lost of ['text', 5, true]) {
      assert.throws(() => reviveKey(baileys, 'app-state-sync-key', lost), { name: 'TypeError' })
    }
  })

  test('an absent app-state-sync-key stays absent', () => {
    assert.equal(reviveKey(baileys, 'app-state-sync-key', null), null)
    assert.equal(reviveKey(baileys, 'app-state-sync-key', undefined), undefined)
  })

  test('every other type is handed on untouched', () => {
    for (const type of ['pre-key', 'session', 'lid-mapping', 'device-list', 'identity-key'] as const) {
      for (const value of [{ keyData: 'YWJj' }, Buffer.from('abc'), '77@lid', ['0'], null, undefined]) {
        assert.equal(reviveKey(baileys, type, value), value)
      }
    }
  })
})

test("a session's creds come back as Baileys' own function gives them back", () => {
  for (const [, baileys] of versions) {
    const account = baileys.proto.ADVSignedDeviceIdentity.fromObject({
      details: Buffer.from('d'),
      accountSignature: Buffer.alloc(64, 1),
    })
    const creds = { ...baileys.initAuthCreds(), account, me: { id: '5511@s.whatsapp.net', lid: '77@lid' } }
    const theirs: unknown = JSON.parse(
      JSON.stringify(creds, baileys.BufferJSON.replacer),
      baileys.BufferJSON.reviver,
    )
    assert.deepStrictEqual(decode(encode(creds)), theirs)
    assert.deepStrictEqual(JSON.parse(encode(creds), BufferJSON.reviver), theirs)
  }
})
