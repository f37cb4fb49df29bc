import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as baileys7 from '@whiskeysockets/baileys'
import * as baileys6 from 'baileys-6'
import { folderScope, folderStore, multiFileStore } from '../../adapters/multi-file.ts'
import { recordName, scopeOf } from '../../src/names.ts'
import type { Store } from '../../src/store.ts'

const ids: readonly (readonly [type: keyof baileys7.SignalDataTypeMap, id: string])[] = [
  ['pre-key', '1'],
  ['session', '4915112345678.0'],
  ['session', '4915112345678_1.12'],
  ['sender-key', '4915112345678-1600000000@g.us::4915112345678_1::0'],
  ['sender-key-memory', '4915112345678-1600000000@g.us'],
  ['app-state-sync-key', 'AAAAAD/x+9=='],
  ['app-state-sync-version', 'critical_block'],
  ['lid-mapping', '123456_reverse'],
  ['device-list', '4915112345678'],
  ['tctoken', '__index'],
  ['tctoken', '4915112345678@s.whatsapp.net'],
]

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authkit-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

for (const [version, baileys] of [
  ['6.7', baileys6],
  ['7', baileys7],
] as const) {
  test(`a folder made by Baileys ${version} opens with every record under its id`, async () => {
    const { state, saveCreds } = await baileys.useMultiFileAuthState(folder)
    await saveCreds()
    // Both versions write any value under any type; their types differ in detail.
    const keys = state.keys as { set(data: unknown): Promise<void> }
    for (const [type, id] of ids) await keys.set({ [type]: { [id]: `${type} ${id}` } })
    await writeFile(join(folder, 'creds.json.bak'), 'older')
    await writeFile(join(folder, 'session-1.0.json.bak'), 'older')

    await use(folderStore(folder), async store => {
      const names = ids.map(([type, id]) => recordName(type, id))
      const texts = await store.read(folderScope, names)
      assert.deepEqual(
        texts,
        ids.map(([type, id]) => JSON.stringify(`${type} ${id}`)),
      )
      assert.deepEqual(await listed(store), ['creds', ...names].sort())
      const [creds] = await store.read(folderScope, ['creds'])
      assert.equal(creds, await readFile(join(folder, 'creds.json'), 'utf8'))
    })
  })

  test(`after the release Baileys ${version} finds every record of ours`, async () => {
    await use(folderStore(folder), async store => {
      await fence(store, undefined, 'mine')
      const changes = ids.map(([type, id]) => ({
        name: recordName(type, id),
        value: JSON.stringify({ type, id }),
      }))
      assert.ok(await store.write(folderScope, changes, [{ name: '!fence', value: 'mine' }]))
      const creds = JSON.stringify(
        { ...baileys.initAuthCreds(), me: { id: 'me' } },
        baileys.BufferJSON.replacer,
      )
      await store.write(folderScope, [{ name: 'creds', value: creds }], [{ name: '!fence', value: 'mine' }])
      await fence(store, 'mine', 'released')
      const { state } = await baileys.useMultiFileAuthState(folder)
      assert.equal(state.creds.me?.id, 'me')
      // Their types differ in detail, and this asks for all types alike.
      const keys = state.keys as { get(type: string, ids: string[]): Promise<Record<string, unknown>> }
      for (const [type, id] of ids) {
        const found = await keys.get(type, [id])
        if (type === 'app-state-sync-key') assert.ok(found[id], `${type} ${id}`)
        else assert.deepEqual(found[id], { type, id })
      }
      assert.equal(await store.countKept(folderScope), 0)
    })
  })
}

test('records that one Baileys file name could mean share no file, also where case is ignored', async () => {
  const records = [
    ['session', 'a/b'],
    ['session', 'a__b'],
    ['session', 'a:b'],
    ['session', 'a-b'],
    ['sender-key', 'memory-x'],
    ['sender-key-memory', 'x'],
    ['pre', 'key-1'],
    ['pre-key', '1'],
    ['app-state-sync-key', 'AAAB'],
    ['app-state-sync-key', 'aaab'],
    ['app-state-sync-key', 'AaAb'],
    ['session', ''],
    ['session', '../../creds'],
    ['session', '\0'],
    ['session', '\u00e9'],
    ['session', 'e\u0301'],
    ['session', '\ud800'],
    ['session', 'x'.repeat(250)],
    ['session', 'x'.repeat(280)],
    ['session', 'x'.repeat(2800)],
    ['con', '1'],
    ['nul.json', ''],
    ['foo', 'bar-1'],
    ['foo-bar', '1'],
    ['FOO', 'bar-1'],
  ].map(([type = '', id = '']) => recordName(type, id))
  for (const isOneBatch of [true, false]) {
    const root = join(folder, String(isOneBatch))
    await use(folderStore(root), async store => {
      await fence(store, undefined, 'mine')
      const changes = records.map(name => ({ name, value: `text of ${name}` }))
      const batches = isOneBatch ? [changes] : changes.map(change => [change])
      for (const batch of batches) assert.ok(await store.write(folderScope, batch))
      await fence(store, 'mine', 'released')
    })
    const files = (await readdir(root, { recursive: true })).map(file => file.toLowerCase().normalize('NFC'))
    assert.equal(new Set(files).size, files.length)
    assert.ok((await readdir(root)).every(file => Buffer.byteLength(file) <= 255))
    assert.ok(existsSync(join(root, 'session-a__b.json')))
    await use(folderStore(root), async store => {
      assert.deepEqual(
        await store.read(folderScope, records),
        records.map(name => `text of ${name}`),
      )
      assert.deepEqual(await listed(store), [...records].sort())
      const kept = await store.countKept(folderScope)
      const inBaileys = (await readdir(root)).filter(file => file.endsWith('.json')).length
      assert.equal(kept + inBaileys, records.length)
      const [first = '', ...others] = records
      assert.ok(
        await store.write(
          folderScope,
          others.map(name => ({ name, value: undefined })),
        ),
      )
      assert.deepEqual(await store.read(folderScope, records), [
        `text of ${first}`,
        ...others.map(() => undefined),
      ])
    })
  }
})

test('two files of Baileys that differ in case alone are two records', async () => {
  await writeFile(join(folder, 'app-state-sync-key-AAAB.json'), 'upper')
  await writeFile(join(folder, 'app-state-sync-key-aaab.json'), 'lower')
  await use(folderStore(folder), async store => {
    const names = ['app-state-sync-key/AAAB', 'app-state-sync-key/aaab', 'app-state-sync-key/AAab']
    assert.deepEqual(await store.read(folderScope, names), ['upper', 'lower', undefined])
    assert.ok(
      await store.write(
        folderScope,
        names.map(name => ({ name, value: name })),
      ),
    )
    assert.deepEqual(await store.read(folderScope, names), names)
  })
  assert.equal(
    await readFile(join(folder, 'app-state-sync-key-aaab.json'), 'utf8'),
    'app-state-sync-key/aaab',
  )
})

test('foreign files are no records, and outlive the removal; without them the folder goes', async () => {
  for (const foreign of [[], ['notes.txt', 'my-notes.json', 'creds.json.bak', '.env']]) {
    const path = join(folder, String(foreign.length))
    await mkdir(path)
    for (const file of foreign) await writeFile(join(path, file), 'foreign')
    await use(folderStore(path), async store => {
      await fence(store, undefined, 'mine')
      await store.write(folderScope, [
        { name: 'creds', value: '{}' },
        { name: 'foo/1', value: '{}' },
      ])
      assert.deepEqual(
        await listed(store),
        ['!fence', 'creds', 'foo/1'].filter(name => name !== '!fence'),
      )
      assert.ok(await store.remove(folderScope, [{ name: '!fence', value: 'mine' }]))
      assert.deepEqual(await listed(store), [])
    })
    if (foreign.length === 0) assert.ok(!existsSync(path))
    else assert.deepEqual(Array.from(await readdir(path)).sort(), [...foreign].sort())
  }
})

test('files are 0600 and folders of ours 0700 under any umask, and a folder that was there keeps its mode', async () => {
  for (const mask of [0o000, 0o077]) {
    const before = process.umask(mask)
    try {
      const root = join(folder, `root ${mask}`)
      const own = join(folder, `own ${mask}`)
      await mkdir(own)
      await (await import('node:fs/promises')).chmod(own, 0o755)
      for (const store of [multiFileStore(root), folderStore(own)]) {
        await use(store, async opened => {
          await fence(opened, undefined, 'mine')
          await opened.write(folderScope, [
            { name: 'creds', value: '{}' },
            { name: 'odd', value: '{}' },
          ])
          await opened.write('!owners', [{ name: '!heartbeat/1', value: '1' }])
        })
      }
      assert.equal((await stat(own)).mode & 0o777, 0o755)
      for (const path of [root, ...(await below(root)), ...(await below(own))]) {
        const stats = await stat(path)
        assert.equal((stats.mode & 0o777).toString(8), stats.isDirectory() ? '700' : '600', path)
      }
    } finally {
      process.umask(before)
    }
  }
})

test('the folder tells git to ignore it, unless it has rules of its own', async () => {
  await use(folderStore(join(folder, 'a')), store => fence(store, undefined, 'mine'))
  assert.equal(await readFile(join(folder, 'a', '.gitignore'), 'utf8'), '*\n')
  await mkdir(join(folder, 'b'))
  await writeFile(join(folder, 'b', '.gitignore'), 'own rules')
  await use(folderStore(join(folder, 'b')), async store => {
    await fence(store, undefined, 'mine')
    await store.remove(folderScope)
  })
  assert.equal(await readFile(join(folder, 'b', '.gitignore'), 'utf8'), 'own rules')
})

test('sessions under a root have folders of their own names, and Baileys folders there are sessions', async () => {
  await (await baileys7.useMultiFileAuthState(join(folder, 'Kunde Ü'))).saveCreds()
  await writeFile(join(folder, 'README'), 'a file beside the sessions')
  const sessions = ['Kunde Ü', 'shop-1', 'Shop-1', 'a/b', '..', 'con', '.hidden', '#x', 'x'.repeat(300)]
  await use(multiFileStore(folder), async store => {
    for (const session of sessions.slice(1)) {
      await store.write(scopeOf(session), [{ name: 'creds', value: session }])
    }
  })
  await use(multiFileStore(folder), async store => {
    const found: string[] = []
    for await (const page of store.scopes()) found.push(...page)
    assert.deepEqual(found.sort(), sessions.map(scopeOf).sort())
    for (const session of sessions.slice(1)) {
      assert.deepEqual(await store.read(scopeOf(session), ['creds']), [session])
    }
  })
  const folders = await readdir(folder)
  assert.ok(folders.includes('shop-1') && !folders.includes('Shop-1'))
  assert.equal(new Set(folders.map(name => name.toLowerCase())).size, folders.length)
})

async function use<S extends Store>(store: S, work: (store: S) => Promise<unknown>): Promise<void> {
  await store.open()
  try {
    await work(store)
  } finally {
    await store.close()
  }
}

async function fence(store: Store, from: string | undefined, to: string): Promise<void> {
  assert.ok(
    await store.write(folderScope, [{ name: '!fence', value: to }], [{ name: '!fence', value: from }]),
    'the fence could not be taken',
  )
}

async function listed(store: Store): Promise<string[]> {
  const names: string[] = []
  for await (const page of store.list(folderScope)) names.push(...page.map(({ name }) => name))
  return names.filter(name => name !== '!fence').sort()
}

async function below(path: string): Promise<string[]> {
  return (await readdir(path, { recursive: true })).map(name => join(path, name))
}
