import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sqliteStore } from '../../adapters/sqlite.ts'
import { useSqliteAuthState } from '../../src/entries/sqlite.ts'
import type { Store } from '../../src/store.ts'
import { built } from '../built.ts'
import { openDatabase } from './sqlite-backend.ts'
import { failure, inNamespace, openStore, temporaryFolder } from './sqlite-folder.ts'

const record = 'session/4915112345678.0'
let folder: string
let remove: () => Promise<void>
let path: string

beforeEach(async () => {
  const made = await temporaryFolder()
  folder = made.folder
  remove = made.remove
  path = join(folder, 'bots.db')
})
afterEach(() => remove())

test('a full disk is WRITE_FAILED and worth repeating; what was acknowledged is there, and it goes on with more space', async () => {
  await inNamespace('mount -t tmpfs -o size=512k tmpfs "$1"', 'sqlite-full-disk', folder)
})

test('a read-only file system is a permanent failure with what to do, and what can be read is read', async () => {
  await inNamespace('mount -t tmpfs tmpfs "$1"', 'sqlite-read-only', folder)
})

test('max_page_count is as a full disk: WRITE_FAILED, and it goes on when it is raised', async () => {
  const database = await openDatabase(path)
  const store = await openStore(database)
  await store.write('shop', [{ name: record, value: 'kept' }])
  database.exec('pragma max_page_count = 10')
  const value = 'x'.repeat(100_000)
  const refused = await failure(store.write('shop', [{ name: record, value }]))
  assert.equal(refused.code, 'WRITE_FAILED')
  assert.match(refused.message, /max_page_count.*Make room/)
  assert.equal(store.isPermanent?.(refused), false)
  assert.deepEqual(await store.read('shop', [record]), ['kept'])
  database.exec('pragma max_page_count = 10000')
  assert.ok(await store.write('shop', [{ name: record, value }]))
  database.close()
})

test('a database object that may only read is read, and refuses writes for good', async () => {
  await (await openStore(path)).write('shop', [{ name: record, value: 'kept' }])
  const database = await openDatabase(path)
  database.exec('pragma query_only = on')
  const store = await openStore(database)
  assert.deepEqual(await store.read('shop', [record]), ['kept'])
  const refused = await failure(store.write('shop', [{ name: record, value: 'lost' }]))
  assert.equal(refused.code, 'WRITE_FAILED')
  assert.match(refused.message, /it is read-only/)
  assert.ok(!`${refused.message} ${JSON.stringify(refused)}`.includes('4915112345678'))
  assert.equal(store.isPermanent?.(refused), true)
  database.close()
})

test('a damaged database is STORE_UNUSABLE with the remedy, for reads, lists and writes, and never absent', async () => {
  const store = await openStore(path)
  const many = Array.from({ length: 300 }, (_, at) => ({ name: `pre-key/${at}`, value: 'x'.repeat(500) }))
  assert.ok(await store.write('shop', many))
  await store.close()
  const { size } = await stat(path)
  const file = await open(path, 'r+')
  // Pages that are needed to open it stay.
  const from = 4 * (await readFile(path)).readUInt16BE(16)
  await file.write(Buffer.alloc(size - from, 0xa5), 0, size - from, from)
  await file.close()
  await store.open()
  for (const work of [
    () => store.read('shop', ['pre-key/7']),
    () => store.read('shop', ['pre-key/7', 'creds']),
    () => listed(store),
    () => store.write('shop', [{ name: 'pre-key/7', value: 'new' }]),
  ]) {
    const refused = await failure(work())
    assert.equal(refused.code, 'STORE_UNUSABLE')
    assert.match(refused.message, /it is damaged.*backup.*\.recover/)
    assert.equal(store.isPermanent?.(refused), true)
  }
  await store.close()
  const refused = await failure(useSqliteAuthState(path, { session: 'shop', logger: false }))
  assert.equal(refused.code, 'STORE_UNUSABLE')
})

test('a file that is no database is STORE_UNUSABLE and stays as it is', async () => {
  await writeFile(
    path,
    'This is a text, and a long one, that nobody would take for a database.\n'.repeat(100),
  )
  const refused = await failure(sqliteStore(path).open())
  assert.equal(refused.code, 'STORE_UNUSABLE')
  assert.match(refused.message, /no SQLite database/)
  assert.ok(refused.message.includes(path))
  const database = await openDatabase(join(folder, 'other.db'))
  database.close()
})

test('a folder at the path, and a file where a folder should be, are STORE_UNUSABLE', async () => {
  await mkdir(path)
  await writeFile(join(folder, 'file'), '')
  for (const wrong of [path, join(folder, 'file', 'bots.db'), join(folder, 'file', 'below', 'bots.db')]) {
    const store = sqliteStore(wrong)
    const refused = await failure(store.open())
    assert.equal(refused.code, 'STORE_UNUSABLE')
    assert.match(refused.message, /Move that (file|folder)|Move it away/)
    assert.equal(store.isPermanent?.(refused), true)
  }
})

describe('while another process holds the lock', () => {
  let holder: ChildProcess

  const hold = async (begin: string) => {
    holder = spawn(process.execPath, [built('test/adapters/children/sqlite-holder.ts'), path, begin], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    await once(holder.stdout ?? holder, 'data')
  }
  const letGo = async () => {
    holder.stdin?.end()
    await once(holder, 'exit')
  }

  test('a session waits with its write, reads meanwhile, and the write lands when the lock is gone', async () => {
    const auth = await useSqliteAuthState(path, { logger: false })
    await auth.saveCreds()
    await hold('begin immediate')
    let hasLanded = false
    const write = auth.state.keys.set({ 'lid-mapping': { a: 'b' } }).then(() => {
      hasLanded = true
    })
    assert.deepEqual(await auth.state.keys.get('lid-mapping', ['c']), { c: null })
    const other = await openStore(path)
    const [refused] = await Promise.all([failure(other.write('shop', [{ name: record, value: 'x' }]))])
    assert.equal(refused.code, 'WRITE_FAILED')
    assert.match(refused.message, /another program holds its lock/)
    assert.equal(other.isPermanent?.(refused), false)
    assert.equal(hasLanded, false)
    await letGo()
    await write
    await auth.close()
    await other.close()
  })

  test('for longer than retry.forMs it is WRITE_FAILED, which says so', async () => {
    const auth = await useSqliteAuthState(path, { logger: false, retry: { forMs: 0 } })
    await auth.saveCreds()
    await hold('begin immediate')
    const refused = await failure(Promise.resolve(auth.state.keys.set({ 'lid-mapping': { a: 'b' } })))
    assert.equal(refused.code, 'WRITE_FAILED')
    assert.match(refused.message, /another program holds its lock/)
    assert.equal(refused.output.statusCode, 503)
    await letGo()
    await auth.close()
  })

  test('for good, opening is READ_FAILED, which says so, and later it opens', async () => {
    // On a rollback journal even reading waits for an exclusive lock.
    const store = sqliteStore(path, {}, { fileSystemOf: () => 0x6969 })
    await store.open()
    await store.close()
    await hold('begin exclusive')
    const refused = await failure(store.open())
    assert.equal(refused.code, 'READ_FAILED')
    assert.match(refused.message, /another program holds its lock/)
    assert.equal(store.isPermanent?.(refused), false)
    await letGo()
    await store.open()
    await store.close()
  })
})

test('a transaction of the caller’s is never written into: the write waits for its end, and fails if that does not come', async () => {
  const database = await openDatabase(path)
  const store = await openStore(database)
  database.exec('begin')
  for (const work of [
    () => store.write('shop', [{ name: record, value: 'x' }]),
    () => store.read('shop', [record]),
    () => openStore(database),
  ]) {
    const refused = await failure(work())
    assert.match(refused.code, /^(WRITE|READ)_FAILED$/)
    assert.match(refused.message, /has a transaction or a query of its own open/)
    assert.equal(store.isPermanent?.(refused), false)
  }
  const write = store.write('shop', [{ name: record, value: 'y' }])
  await new Promise(resolve => setTimeout(resolve, 30))
  database.exec('rollback')
  assert.ok(await write)
  assert.deepEqual(await store.read('shop', [record]), ['y'])
  database.close()
})

test('a database object that was closed is STORE_UNUSABLE', async () => {
  const database = await openDatabase(path)
  const store = await openStore(database)
  database.close()
  for (const work of [
    () => store.read('shop', [record]),
    () => store.write('shop', [{ name: record, value: 'x' }]),
    () => openStore(database),
  ]) {
    const refused = await failure(work())
    assert.equal(refused.code, 'STORE_UNUSABLE')
    assert.match(refused.message, /was closed/)
  }
})

async function listed(store: Store): Promise<void> {
  for await (const _ of store.list('shop', { values: true }));
}
