import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { appendFile, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { nodeFileSystem } from '../../adapters/multi-file/file-system.ts'
import { folderScope, folderStore } from '../../adapters/multi-file.ts'
import type { Store } from '../../src/store.ts'
import { built } from '../built.ts'

let folder = ''
const opened: Store[] = []
const children: ChildProcess[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authkit-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const store of opened.splice(0)) await store.close()
  await rm(folder, { recursive: true, force: true })
})

test('of twenty racing owners exactly one gets the fence, at first and at every take-over', async () => {
  const stores = await Promise.all(Array.from({ length: 20 }, () => open()))
  let current: string | undefined
  for (let round = 0; round < 5; round++) {
    const won = await Promise.all(
      stores.map((store, index) => take(store, current, `round ${round} store ${index}`)),
    )
    assert.equal(won.filter(Boolean).length, 1)
    current = `round ${round} store ${won.indexOf(true)}`
    assert.deepEqual(await read(await open(), '!fence'), current)
  }
})

test('unguarded batches of several stores all land whole, and every store sees the last', async () => {
  const stores = await Promise.all(Array.from({ length: 4 }, () => open()))
  await Promise.all(
    stores.map(async (store, index) => {
      for (let count = 0; count < 10; count++) {
        const value = `${index} ${count}`
        const changes = ['session/1.0', 'session/2.0', `pre-key/${index}`].map(name => ({ name, value }))
        assert.ok(await store.write(folderScope, changes))
      }
    }),
  )
  for (const store of stores) {
    const [one, two, ...own] = await store.read(folderScope, [
      'session/1.0',
      'session/2.0',
      ...stores.map((_, index) => `pre-key/${index}`),
    ])
    assert.equal(one, two)
    assert.deepEqual(
      own,
      stores.map((_, index) => `${index} 9`),
    )
  }
})

test('a stopped owner that goes on lands no batch and changes no file', async () => {
  const child = await owner('', 'old')
  assert.equal(await child.ask('creds old'), 'true')
  assert.equal(await child.ask('session/1.0 old'), 'true')
  child.process.kill('SIGSTOP')
  const store = await open()
  assert.ok(await take(store, 'old', 'new'))
  assert.equal(await read(store, 'session/1.0'), 'old')
  const guards = [{ name: '!fence', value: 'new' }]
  const changes = ['creds', 'session/1.0'].map(name => ({ name, value: 'new' }))
  assert.ok(await store.write(folderScope, changes, guards))
  assert.ok(await take(store, 'new', 'released'))
  const asked = child.ask('session/1.0 late')
  child.process.kill('SIGCONT')
  assert.equal(await asked, 'false')
  child.process.kill('SIGKILL')
  await once(child.process, 'exit')
  assert.equal(await readFile(join(folder, 'session-1.0.json'), 'utf8'), 'new')
  assert.equal(await readFile(join(folder, 'creds.json'), 'utf8'), 'new')
  assert.deepEqual(await (await open()).read(folderScope, ['creds', 'session/1.0']), ['new', 'new'])
})

test('a batch whose owner was stopped before its last look is told what became of it', async () => {
  for (const isBefore of [true, false]) {
    const name = join(folder, String(isBefore))
    const gate = gated('write', /journal/, isBefore)
    const old = folderStore(name, {}, gate.fileSystem)
    await old.open()
    opened.push(old)
    assert.ok(await take(old, undefined, 'old'))
    gate.arm()
    const late = old.write(
      folderScope,
      [{ name: 'session/1.0', value: 'late' }],
      [{ name: '!fence', value: 'old' }],
    )
    await gate.reached
    const store = await open(name)
    assert.ok(await take(store, 'old', 'new'))
    gate.pass()
    // Appended before the take-over read the journal: it counts. Appended after: it does not.
    assert.equal(await late, !isBefore)
    assert.equal(await read(store, 'session/1.0'), isBefore ? undefined : 'late')
  }
})

test('an owner stopped amid its record files puts no old text over a new one', async () => {
  const gate = gated('rename', /session-1\.0\.json$/, true)
  const old = folderStore(folder, {}, gate.fileSystem)
  await old.open()
  opened.push(old)
  assert.ok(await take(old, undefined, 'old'))
  gate.arm()
  await old.write(folderScope, [{ name: 'session/1.0', value: 'old' }])
  await gate.reached
  const store = await open()
  assert.ok(await take(store, 'old', 'new'))
  await store.write(folderScope, [{ name: 'session/1.0', value: 'new' }])
  assert.ok(await take(store, 'new', 'released'))
  gate.pass()
  await gate.done
  assert.equal(await readFile(join(folder, 'session-1.0.json'), 'utf8'), 'new')
})

test('a reader whose journal is cut while it reads files looks again', async () => {
  const old = await open()
  assert.ok(await take(old, undefined, 'old'))
  const names = ['session/1.0', 'session/2.0']
  await old.write(
    folderScope,
    names.map(name => ({ name, value: 'landed' })),
  )
  const gate = gated('readFile', /session-1\.0\.json$/, true)
  const absent = { ...gate.fileSystem }
  // What a read that was a moment earlier would have found: no file yet.
  absent.readFile = path =>
    gate.fileSystem.readFile(path === join(folder, 'session-2.0.json') && !isCut ? `${path}.absent` : path)
  let isCut = false
  const reader = folderStore(folder, {}, absent)
  await reader.open()
  opened.push(reader)
  gate.arm()
  const read = reader.read(folderScope, names)
  await gate.reached
  await old.close()
  isCut = true
  gate.pass()
  assert.deepEqual(await read, ['landed', 'landed'])
})

test('an owner killed amid its batches leaves every acknowledged one, whole', async () => {
  for (let round = 0; round < 5; round++) {
    const store = await open()
    const child = await owner((await read(store, '!fence')) ?? '', `round ${round}`)
    child.process.stdin?.write('burst\n')
    let acknowledged = 0
    for await (const line of child.lines) {
      acknowledged = Number(line)
      if (acknowledged === 20 + 30 * round) child.process.kill('SIGKILL')
    }
    const names = ['creds', 'session/1.0', 'pre-key/1']
    const before = await store.read(folderScope, names)
    assert.ok(Number(before[0]) >= acknowledged && new Set(before).size === 1, String(before))
    assert.ok(await take(store, `round ${round}`, 'mine'))
    assert.deepEqual(await store.read(folderScope, names), before)
    assert.deepEqual(await readFile(join(folder, 'session-1.0.json'), 'utf8'), before[0])
    await store.close()
  }
})

test('a contender that died amid its claim keeps nobody out', async () => {
  const store = await open()
  assert.ok(await take(store, undefined, 'old'))
  await store.write(folderScope, [{ name: 'session/1.0', value: 'kept' }])
  const home = join(folder, '.authkit', 'session')
  const live = (await readdir(home)).find(name => name.startsWith('live.')) ?? ''
  await rename(join(home, live), join(home, `claim.${live.slice('live.'.length)}.dead`))
  const next = await open()
  assert.equal(await read(next, '!fence'), 'old')
  assert.equal(await read(next, 'session/1.0'), 'kept')
  assert.ok(await take(next, 'old', 'new'))
  assert.equal(await read(next, 'session/1.0'), 'kept')
  assert.equal(
    await store.write(folderScope, [{ name: 'x', value: '' }], [{ name: '!fence', value: 'old' }]),
    false,
  )
})

test('a torn tail of the journal is dropped, a damaged middle is an error that says what to do', async () => {
  for (const damage of ['torn', 'zeros', 'middle'] as const) {
    const name = join(folder, damage)
    const dead = await abandoned(name, [
      [{ name: 'session/1.0', value: 'first' }],
      [{ name: 'session/2.0', value: 'second' }],
    ])
    if (damage === 'torn') await appendFile(dead.journal, '#00000100 12345678\n[["creds"')
    if (damage === 'zeros') await appendFile(dead.journal, Buffer.alloc(100))
    if (damage === 'middle') {
      const bytes = await readFile(dead.journal)
      bytes[30] = (bytes[30] ?? 0) ^ 1
      await writeFile(dead.journal, bytes)
    }
    const store = await open(name)
    if (damage === 'middle') {
      await assert.rejects(take(store, 'old', 'new'), { code: 'RECORD_CORRUPT', message: /Restore|delete/ })
      await assert.rejects(store.read(folderScope, ['session/1.0']), { code: 'RECORD_CORRUPT' })
    } else {
      assert.ok(await take(store, 'old', 'new'))
      assert.deepEqual(await store.read(folderScope, ['session/1.0', 'session/2.0']), ['first', 'second'])
    }
  }
})

test('a journal older than what another program wrote is set aside with a warning', async () => {
  const dead = await abandoned(folder, [
    [{ name: 'session/1.0', value: 'ours' }],
    [{ name: 'session/2.0', value: 'ours' }],
  ])
  await writeFile(join(folder, 'session-1.0.json'), 'of Baileys')
  const warnings: string[] = []
  const store = folderStore(folder, { warn: code => warnings.push(code) })
  await store.open()
  opened.push(store)
  assert.equal(await read(store, 'session/1.0'), 'of Baileys')
  assert.ok(await take(store, 'old', 'new'))
  assert.deepEqual(await store.read(folderScope, ['session/1.0', 'session/2.0']), ['of Baileys', undefined])
  assert.deepEqual(warnings, ['JOURNAL_STALE'])
  const aside = (await readdir(join(folder, '.authkit'))).filter(name => /^journal\..*\.stale$/.test(name))
  assert.equal(aside.length, 1)
  assert.ok(!existsSync(dead.journal))
})

test('a journal is replayed where files hold any text that it knows', async () => {
  const dead = await abandoned(folder, [
    [{ name: 'session/1.0', value: 'first' }],
    [{ name: 'session/1.0', value: 'second' }],
  ])
  assert.ok(existsSync(dead.journal))
  await writeFile(join(folder, 'session-1.0.json'), 'first')
  const store = await open()
  assert.ok(await take(store, 'old', 'new'))
  assert.equal(await read(store, 'session/1.0'), 'second')
  assert.equal(await readFile(join(folder, 'session-1.0.json'), 'utf8'), 'second')
})

test('a folder deleted from outside stays deleted, and one made again belongs to its new owner', async () => {
  for (const isMadeAgain of [false, true]) {
    const name = join(folder, String(isMadeAgain))
    const old = await open(name)
    assert.ok(await take(old, undefined, 'old'))
    const guards = [{ name: '!fence', value: 'old' }]
    assert.ok(await old.write(folderScope, [{ name: 'session/1.0', value: 'old' }], guards))
    await rm(name, { recursive: true })
    assert.equal(await read(old, '!fence'), undefined)
    assert.equal(await old.write(folderScope, [{ name: 'creds', value: 'old' }], guards), false)
    if (isMadeAgain) assert.ok(await take(await open(name), undefined, 'new'))
    await old.close()
    if (!isMadeAgain) assert.ok(!existsSync(name))
    else {
      assert.ok(!existsSync(join(name, 'session-1.0.json')))
      assert.equal(await read(await open(name), 'session/1.0'), undefined)
    }
  }
})

test('a reader beside an owner that writes and cuts its journal never sees half a batch', async () => {
  const child = await owner('', 'old')
  child.process.stdin?.write('burst\n')
  const reader = await open()
  const names = ['creds', 'session/1.0', 'pre-key/1']
  let acknowledged = 0
  let last = 0
  child.lines.on('line', line => {
    acknowledged = Number(line)
  })
  await once(child.lines, 'line')
  for (const end = performance.now() + 2000; performance.now() < end; ) {
    const least = acknowledged
    const texts = await reader.read(folderScope, names)
    assert.equal(new Set(texts).size, 1, String(texts))
    assert.ok(Number(texts[0]) >= Math.max(least, last), `${texts[0]} after ${least}`)
    last = Number(texts[0])
  }
  assert.ok(last > 0)
})

async function open(path: string = folder): Promise<Store> {
  const store = folderStore(path)
  await store.open()
  opened.push(store)
  return store
}

function take(store: Store, from: string | undefined, to: string): Promise<boolean> {
  return store.write(folderScope, [{ name: '!fence', value: to }], [{ name: '!fence', value: from }])
}

async function read(store: Store, name: string): Promise<string | undefined> {
  return (await store.read(folderScope, [name]))[0]
}

/** What a process leaves that is killed before its files are written: its journal, under the fence `old`. */
async function abandoned(
  path: string,
  batches: readonly { name: string; value: string }[][],
): Promise<{ journal: string }> {
  const store = folderStore(path)
  await store.open()
  assert.ok(await take(store, undefined, 'old'))
  for (const batch of batches)
    assert.ok(await store.write(folderScope, batch, [{ name: '!fence', value: 'old' }]))
  const home = join(path, '.authkit', 'session')
  const live = (await readdir(home)).find(name => name.startsWith('live.')) ?? ''
  const moved = join(home, `${live}.moved`)
  // Where its folder is not, it writes no files; then the folder is back, as if it had been killed.
  await rename(join(home, live), moved)
  await store.close()
  await rename(moved, join(home, live))
  const name = (await readdir(join(home, live))).find(file => file.startsWith('journal.')) ?? ''
  return { journal: join(home, live, name) }
}

interface Owner {
  readonly process: ChildProcess
  readonly lines: ReturnType<typeof createInterface>
  ask(line: string): Promise<string>
}

async function owner(from: string, to: string): Promise<Owner> {
  const child = spawn(process.execPath, [built('test/faults/multi-file-child.ts'), folder, from, to], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  const lines = createInterface({ input: child.stdout })
  const [first] = await once(lines, 'line')
  assert.equal(first, 'taken')
  return {
    process: child,
    lines,
    async ask(line) {
      const answer = once(lines, 'line')
      child.stdin.write(`${line}\n`)
      return String((await answer)[0])
    },
  }
}

/** Stops the next such operation on such a path, before it is done or once it is, until `pass()`. */
function gated(operation: 'write' | 'rename' | 'readFile', target: RegExp, isBefore: boolean) {
  let isArmed = false
  const reached = signal()
  const passed = signal()
  const done = signal()
  const through = async <T>(name: string, path: string, work: () => Promise<T>): Promise<T> => {
    const isStopped = isArmed && name === operation && target.test(path)
    if (!isStopped) return work()
    isArmed = false
    const stop = async () => {
      reached.resolve()
      await passed.promise
    }
    try {
      if (isBefore) await stop()
      const result = await work()
      if (!isBefore) await stop()
      return result
    } finally {
      done.resolve()
    }
  }
  const fs = nodeFileSystem
  const fileSystem: typeof nodeFileSystem = {
    ...fs,
    async create(path) {
      const file = await fs.create(path)
      return { ...file, write: (bytes, at) => through('write', path, () => file.write(bytes, at)) }
    },
    rename: (from, to) => through('rename', to, () => fs.rename(from, to)),
    readFile: path => through('readFile', path, () => fs.readFile(path)),
  }
  return {
    fileSystem,
    reached: reached.promise,
    done: done.promise,
    arm() {
      isArmed = true
    },
    pass: () => passed.resolve(),
  }
}

function signal() {
  let resolve = () => {}
  const promise = new Promise<void>(done => {
    resolve = done
  })
  return { promise, resolve }
}
