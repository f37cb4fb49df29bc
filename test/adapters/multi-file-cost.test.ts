import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { folderScope, folderStore } from '../../adapters/multi-file.ts'
import { built } from '../built.ts'
import { faultyFileSystem } from '../faults/faulty-file-system.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authkit-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const mine = [{ name: '!fence', value: 'mine' }]
const burst = Array.from({ length: 812 }, (_, id) => ({ name: `pre-key/${id}`, value: `{"key":"${id}"}` }))
const syncs = (operations: readonly string[]) =>
  operations.filter(operation => operation === 'datasync' || operation === 'syncFolder')

test('a burst of 812 pre-keys costs one append and one fdatasync before it resolves', async () => {
  const { store, since } = await counted('full')
  const operations = await since(() => store.write(folderScope, burst, mine))
  assert.deepEqual(syncs(operations), ['datasync'])
  assert.equal(operations.filter(operation => operation === 'write').length, 1)
  await store.close()
  const files = await readdir(folder)
  assert.equal(files.filter(file => file.startsWith('pre-key-')).length, 812)
})

test('a small batch is one append, one fdatasync and a few looks at the journal', async () => {
  const { store, since } = await counted('full')
  const batch = [{ name: 'session/1.0', value: '{}' }]
  assert.ok(await store.write(folderScope, batch, mine))
  // One that makes the journal longer, and one that finds room in it.
  for (let time = 0; time < 2; time++) {
    const operations = await since(() => store.write(folderScope, batch, mine))
    assert.deepEqual(
      operations.filter(operation => operation !== 'identify'),
      ['write', 'datasync'],
    )
    assert.ok(operations.length <= 5)
  }
  await store.close()
})

test('a journal is made longer a few times, so that most batches leave its length as it is', async () => {
  const { store } = await counted('full')
  const lengths = new Map<string, number[]>()
  for (let batch = 0; batch < 64; batch++) {
    assert.ok(
      await store.write(folderScope, [{ name: 'session/1.0', value: 'x'.repeat(1000 + batch) }], mine),
    )
    const journal = await newestJournal()
    lengths.set(journal, [...(lengths.get(journal) ?? []), (await stat(journal)).size])
  }
  for (const seen of lengths.values()) {
    assert.ok(new Set(seen).size <= 3 + Math.log2(seen.length), `${seen}`)
    assert.ok((seen.at(-1) ?? 0) <= 2 * 1200 * seen.length, `${seen}`)
  }
  const [text] = await store.read(folderScope, ['session/1.0'])
  assert.equal(text, 'x'.repeat(1063))
  await store.close()
})

test('with relaxed durability a journal holds its entries and no more', async () => {
  const { store } = await counted('relaxed')
  for (let batch = 0; batch < 8; batch++) {
    const journal = await newestJournal()
    const before = (await stat(journal)).size
    assert.ok(await store.write(folderScope, [{ name: 'session/1.0', value: 'x'.repeat(1000) }], mine))
    const isSame = journal === (await newestJournal())
    if (isSame) assert.ok((await stat(journal)).size - before < 1200)
  }
  await store.close()
})

test('with relaxed durability a batch waits for no fdatasync', async () => {
  const { store, since } = await counted('relaxed')
  assert.deepEqual(syncs(await since(() => store.write(folderScope, burst, mine))), [])
  const creds = [{ name: 'creds', value: '{}' }]
  assert.deepEqual(syncs(await since(() => store.write(folderScope, creds, mine))), [])
  assert.ok(existsSync(join(folder, 'creds.json')))
  await store.close()
})

test('a read of an absent record costs one failed open, a heartbeat no fsync', async () => {
  const { store, since } = await counted('full')
  const read = await since(() => store.read(folderScope, ['session/404.0']))
  assert.deepEqual(
    read.filter(operation => operation !== 'identify'),
    ['readFile'],
  )
  const beats = await since(async () => {
    await store.write(
      '!owners',
      [{ name: '!heartbeat/1', value: '1' }],
      [{ name: '!heartbeat/1', value: undefined }],
    )
    await store.write(
      '!owners',
      [{ name: '!heartbeat/1', value: '2' }],
      [{ name: '!heartbeat/1', value: '1' }],
    )
    assert.equal(
      await store.write(
        '!owners',
        [{ name: '!heartbeat/1', value: '3' }],
        [{ name: '!heartbeat/1', value: '1' }],
      ),
      false,
    )
  })
  assert.deepEqual(syncs(beats), [])
  await store.close()
})

test('files follow by themselves, the process waits for them, and ends when they are written', async () => {
  const script = `
    import { folderScope, folderStore } from ${JSON.stringify(pathToFileURL(built('adapters/multi-file.ts')).href)}
    const store = folderStore(${JSON.stringify(folder)})
    await store.open()
    await store.write(folderScope, [{ name: '!fence', value: 'mine' }], [{ name: '!fence', value: undefined }])
    await store.write(folderScope, [{ name: 'session/1.0', value: '{}' }], [{ name: '!fence', value: 'mine' }])`
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  assert.ok(existsSync(join(folder, 'session-1.0.json')))
})

/** The journal that is written to. */
async function newestJournal(): Promise<string> {
  const all = await readdir(folder, { recursive: true })
  const journals = all.filter(path => /journal\.[^/]*$/.test(path))
  const sequence = (path: string) => Number(path.split('.').at(-1))
  const newest = journals.sort((one, other) => sequence(one) - sequence(other)).at(-1)
  assert.ok(newest)
  return join(folder, newest)
}

async function counted(durability: 'full' | 'relaxed') {
  const { fileSystem, operations } = faultyFileSystem()
  const store = folderStore(folder, { durability }, fileSystem)
  await store.open()
  assert.ok(await store.write(folderScope, mine, [{ name: '!fence', value: undefined }]))
  const since = async (work: () => Promise<unknown>) => {
    const from = operations.length
    await work()
    return operations.slice(from)
  }
  return { store, since }
}
