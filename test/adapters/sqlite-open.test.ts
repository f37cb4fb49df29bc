import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { loadDriver } from '../../adapters/sqlite/driver.ts'
import { journalModeFor } from '../../adapters/sqlite/pragmas.ts'
import { type SqliteDatabase, sqliteStore } from '../../adapters/sqlite.ts'
import { useSqliteAuthState } from '../../src/entries/sqlite.ts'
import { openDatabase } from './sqlite-backend.ts'
import { failure, openStore, temporaryFolder } from './sqlite-folder.ts'

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

test('folders are made 0700 and files 0600, the journals too', async () => {
  const deep = join(folder, 'a', 'b', 'bots.db')
  const store = await openStore(deep)
  await store.write('shop', [{ name: 'creds', value: 'c' }])
  for (const made of [dirname(deep), dirname(dirname(deep))]) assert.equal(statSync(made).mode & 0o777, 0o700)
  for (const ending of ['', '-wal', '-shm']) assert.equal(statSync(deep + ending).mode & 0o777, 0o600)
  await store.close()
})

test('a constructor connects to nothing', async () => {
  sqliteStore(path)
  assert.equal(statSync(path, { throwIfNoEntry: false }), undefined)
})

test('WAL on a disk of this machine, a rollback journal on a file system that others may share', () => {
  const mode = (fileSystem: number, where = '/data/bots.db', platform: NodeJS.Platform = 'linux') =>
    journalModeFor({ fileSystem, path: where, platform })
  const shared = {
    nfs: 0x6969,
    smb: 0x517b,
    cifs: 0xff534d42,
    smb2: 0xfe534d42,
    plan9: 0x01021997,
    fuse: 0x65735546,
  }
  for (const [name, type] of Object.entries(shared)) assert.equal(mode(type), 'delete', name)
  // As a system with 32 bits gives it.
  assert.equal(mode(0xff534d42 | 0), 'delete')
  const local = {
    ext4: 0xef53,
    xfs: 0x58465342,
    btrfs: 0x9123683e,
    tmpfs: 0x01021994,
    overlay: 0x794c7630,
    zfs: 0x2fc12fc1,
  }
  for (const [name, type] of Object.entries(local)) assert.equal(mode(type), 'wal', name)
  // Other systems have other numbers.
  assert.equal(mode(0x6969, '/Users/me/bots.db', 'darwin'), 'wal')
  assert.equal(mode(0, 'C:\\bots\\bots.db', 'win32'), 'wal')
  assert.equal(mode(0, '\\\\?\\C:\\bots\\bots.db', 'win32'), 'wal')
  assert.equal(mode(0, '\\\\server\\share\\bots.db', 'win32'), 'delete')
})

test('a thousand Signal sessions take the disk that their texts need, and no overflow page each', async () => {
  const store = await openStore(path)
  const values = Array.from({ length: 1_000 }, (_, at) => ({
    name: `session/${at}`,
    value: 'x'.repeat(1_400),
  }))
  await store.write('shop', values)
  await store.close()
  const { size } = statSync(path)
  assert.ok(size < 1.5 * 1_400_000, `${size} bytes`)
})

test('the journal mode is what it was decided to be, also for a database that had another', async () => {
  for (const [type, expected] of [
    [0xef53, 'wal'],
    [0x6969, 'delete'],
    [0xef53, 'wal'],
  ] as const) {
    const store = await openStore(path, {}, { fileSystemOf: () => type })
    await store.write('shop', [{ name: 'creds', value: expected }])
    const database = await openDatabase(path)
    assert.equal(pragma(database, 'journal_mode'), expected)
    database.close()
    await store.close()
  }
})

test.each([
  ['full', 0xef53, 2],
  ['relaxed', 0xef53, 1],
  ['full', 0x6969, 3],
  ['relaxed', 0x6969, 2],
] as const)(
  '%s on a file system of type %i has synchronous %i when it writes',
  async (durability, type, expected) => {
    const opened: SqliteDatabase[] = []
    const load = async () => {
      const driver = await loadDriver()
      return (file: string) => {
        const database = driver(file)
        opened.push(database)
        return database
      }
    }
    const store = await openStore(path, { durability }, { fileSystemOf: () => type, loadDriver: load })
    await store.write('shop', [{ name: 'creds', value: 'c' }])
    const [database, ...others] = opened
    assert.ok(database && others.length === 0)
    assert.equal(pragma(database, 'synchronous'), expected)
    await store.close()
  },
)

test('a caller’s database that nobody has set up writes with synchronous FULL', async () => {
  const database = await openDatabase(path)
  database.exec('pragma journal_mode = wal')
  const store = await openStore(database)
  await store.write('shop', [{ name: 'creds', value: 'c' }])
  assert.equal(pragma(database, 'synchronous'), 2)
  database.close()
})

test.each([
  ['wal', 'full', 2],
  ['wal', 'relaxed', 1],
  ['delete', 'full', 3],
  ['delete', 'relaxed', 2],
  ['truncate', 'full', 2],
] as const)(
  'on the caller’s database in %s mode, %s has synchronous %i',
  async (mode, durability, expected) => {
    const database = await openDatabase(path)
    database.exec(`pragma journal_mode = ${mode}`)
    database.exec('pragma synchronous = off')
    const store = await openStore(database, { durability })
    assert.equal(pragma(database, 'synchronous'), expected)
    assert.equal(pragma(database, 'journal_mode'), mode)
    assert.equal(pragma(database, 'busy_timeout'), 100)
    assert.equal(store.durability, durability === 'full' ? 'disk' : 'process')
    database.exec('pragma synchronous = extra; pragma busy_timeout = 20')
    await openStore(database, { durability })
    assert.equal(pragma(database, 'synchronous'), 3)
    assert.equal(pragma(database, 'busy_timeout'), 20)
    await store.close()
    assert.equal(pragma(database, 'journal_mode'), mode, 'it was closed')
    database.close()
  },
)

test('a journal that no crash survives is refused', async () => {
  const database = await openDatabase(path)
  database.exec('pragma journal_mode = memory')
  const refused = await failure(sqliteStore(database).open())
  assert.equal(refused.code, 'STORE_UNUSABLE')
  assert.match(refused.message, /journal_mode memory.*pragma journal_mode = wal/)
  database.close()
})

test('stores on the same file have the same identity, whatever the way to it', async () => {
  await mkdir(join(folder, 'real'))
  await symlink(join(folder, 'real'), join(folder, 'link'))
  const file = join(folder, 'real', 'bots.db')
  const stores = [
    await openStore(file),
    await openStore(join(folder, 'link', 'bots.db'), { durability: 'relaxed' }),
  ]
  const database = await openDatabase(file)
  stores.push(await openStore(database))
  const [first, ...others] = stores
  for (const other of others) assert.deepEqual(other.identity, first?.identity)
  const elsewhere = await openStore(path)
  assert.notDeepEqual(elsewhere.identity, first?.identity)
  for (const store of [...stores, elsewhere]) await store.close()
  database.close()
})

test('a database in memory is nobody else’s, and promises nothing', async () => {
  const database = await openDatabase(':memory:')
  const [one, other, third, fourth] = [
    await openStore(database),
    await openStore(database),
    await openStore(':memory:'),
    await openStore(':memory:'),
  ]
  await one.write('shop', [{ name: 'creds', value: 'c' }])
  assert.deepEqual(await other.read('shop', ['creds']), ['c'])
  assert.deepEqual(await third.read('shop', ['creds']), [undefined])
  assert.ok(one.identity[1] === database && other.identity[1] === database)
  assert.ok(third.identity[1] !== fourth.identity[1])
  for (const store of [one, other, third, fourth]) {
    assert.equal(store.durability, 'none')
    await store.close()
  }
  database.close()
})

test('wrong options are TypeErrors', async () => {
  for (const wrong of ['', undefined, null, 7, {}, { prepare() {} }]) {
    // A caller without types.
    assert.throws(() => sqliteStore(wrong as string), TypeError)
    await assert.rejects(useSqliteAuthState(wrong as string), TypeError)
  }
  assert.throws(() => sqliteStore(path, { durability: 'none' as 'full' }), TypeError)
  await assert.rejects(useSqliteAuthState(path, { sesion: 'x' } as object), /unknown option 'sesion'/)
  await assert.rejects(sqliteStore(path).read('shop', ['creds']), TypeError)
})

test('a text with NUL, an empty one and a large one come back as they are, one by one, together and in lists', async () => {
  const store = await openStore(path)
  const texts = ['a\0b', '\0', '', 'ä€😀\0', 'x'.repeat(3_000_000)]
  const changes = texts.map((value, at) => ({ name: `session/${at}`, value }))
  await store.write('shop', changes)
  const names = changes.map(({ name }) => name)
  assert.deepEqual(await store.read('shop', names), texts)
  const database = await openDatabase(path)
  const kinds = database.prepare('select typeof(value) as kind from authkit_records order by name').all()
  // Some releases of node:sqlite would cut them where they read them.
  assert.deepEqual(
    Array.from(kinds, row => Object(row).kind),
    ['blob', 'blob', 'text', 'blob', 'text'],
  )
  database.close()
  for (const [at, name] of names.entries()) assert.deepEqual(await store.read('shop', [name]), [texts[at]])
  const listed: unknown[] = []
  for await (const page of store.list('shop', { values: true })) listed.push(...page)
  // Rows are objects of the driver's.
  assert.equal(JSON.stringify(listed), JSON.stringify(changes))
  assert.equal(
    await store.write('shop', [{ name: 'creds', value: 'c' }], [{ name: 'session/0', value: 'a' }]),
    false,
  )
  assert.ok(
    await store.write('shop', [{ name: 'creds', value: 'c' }], [{ name: 'session/0', value: 'a\0b' }]),
  )
  await store.close()
})

test('an empty file becomes a database', async () => {
  await writeFile(path, '')
  const store = await openStore(path)
  assert.ok(await store.write('shop', [{ name: 'creds', value: 'c' }]))
  await store.close()
})

function pragma(database: SqliteDatabase, name: string): unknown {
  return Object.values(Object(database.prepare(`pragma ${name}`).get()))[0]
}
