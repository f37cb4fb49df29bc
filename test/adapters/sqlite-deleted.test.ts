import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { loadDriver } from '../../adapters/sqlite/driver.ts'
import type { SqliteDatabase } from '../../adapters/sqlite.ts'
import { useSqliteAuthState } from '../../src/entries/sqlite.ts'
import type { AuthState } from '../../src/index.ts'
import type { Store } from '../../src/store.ts'
import { openDatabase } from './sqlite-backend.ts'
import { failure, openStore, temporaryFolder } from './sqlite-folder.ts'

const ttlMs = 400
const fence = { name: '!fence', value: 'mine' }
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

test.each([
  ['with its journals', ['', '-wal', '-shm']],
  ['without its journals', ['']],
])(
  'rule 11: a database deleted %s and opened again is a new session that the old one writes nothing to',
  async (_, endings) => {
    const old = await open()
    await old.state.keys.set({ 'lid-mapping': { a: 'b' } })
    await old.saveCreds()
    await unlink(endings)
    const anew = await open()
    assert.notEqual(anew.state.creds.advSecretKey, old.state.creds.advSecretKey)
    assert.equal(old.signal.reason.code, 'SESSION_REMOVED')
    await anew.saveCreds()
    await assert.rejects(old.saveCreds(), { code: 'SESSION_REMOVED' })
    await assert.rejects(Promise.resolve(old.state.keys.set({ 'lid-mapping': { late: 'x' } })), {
      code: 'SESSION_REMOVED',
    })
    assert.deepEqual(await anew.state.keys.get('lid-mapping', ['a', 'late']), { a: null, late: null })
    await anew.state.keys.set({ 'lid-mapping': { a: 'new' } })
    await old.close()
    await anew.close()

    const again = await open()
    assert.equal(again.state.creds.registrationId, anew.state.creds.registrationId)
    assert.deepEqual(await again.state.keys.get('lid-mapping', ['a', 'late']), { a: 'new', late: null })
    await again.close()
    assert.deepEqual([...(await readdir(folder))], ['bots.db'])
  },
)

test('rule 11: a database that is deleted under an idle session ends it, and no heartbeat makes it again', async () => {
  const auth = await open()
  await auth.state.keys.set({ 'lid-mapping': { a: 'b' } })
  await unlink(['', '-wal', '-shm'])
  await aborted(auth)
  assert.equal(auth.signal.reason.code, 'SESSION_REMOVED')
  await new Promise(resolve => setTimeout(resolve, ttlMs / 2 + 50))
  assert.deepEqual([...(await readdir(folder))], [])
})

test('rule 11: rows that are deleted by hand end the session, and opening it makes a new one', async () => {
  const old = await open()
  await old.state.keys.set({ 'lid-mapping': { a: 'b' } })
  const database = await openDatabase(path)
  database.prepare('delete from authkit_records where scope = ?').run('default')
  await assert.rejects(Promise.resolve(old.state.keys.set({ 'lid-mapping': { a: 'late' } })), {
    code: 'SESSION_REMOVED',
  })
  const anew = await open()
  assert.notEqual(anew.state.creds.advSecretKey, old.state.creds.advSecretKey)
  assert.deepEqual(await anew.state.keys.get('lid-mapping', ['a']), { a: null })
  await anew.close()
  database.close()
})

describe('a store whose database was deleted', () => {
  const deletedStore = async (target: string | SqliteDatabase = path): Promise<Store> => {
    const store = await openStore(target)
    assert.ok(await store.write('shop', [fence, { name: 'creds', value: 'c' }]))
    await unlink(['', '-wal', '-shm'])
    return store
  }

  test('has nothing, lands nothing, and makes nothing', async () => {
    const store = await deletedStore()
    assert.deepEqual(await store.read('shop', ['creds', '!fence']), [undefined, undefined])
    assert.equal(await store.write('shop', [{ name: 'creds', value: 'd' }], [fence]), false)
    assert.equal(await store.remove('shop', [fence]), false)
    assert.equal(await store.remove('shop'), true)
    for (const guards of [[], [{ name: '!fence', value: undefined }]]) {
      const refused = await failure(store.write('shop', [fence], guards))
      assert.equal(refused.code, 'STORE_UNUSABLE')
      assert.match(refused.message, /was deleted, moved or replaced.*Open it anew/)
    }
    for await (const page of store.list('shop')) assert.deepEqual(page, [])
    for await (const page of store.scopes()) assert.deepEqual(page, [])
    await store.close()
    assert.equal(existsSync(path), false)
  })

  test('opens the new one when it is opened again', async () => {
    const store = await deletedStore()
    await store.open()
    assert.ok(existsSync(path))
    assert.ok(await store.write('shop', [fence], [{ name: '!fence', value: undefined }]))
    assert.deepEqual(await store.read('shop', ['creds', '!fence']), [undefined, 'mine'])
    await store.close()
  })

  test('does not touch what another made in its place', async () => {
    const store = await deletedStore()
    const other = await openStore(path, { durability: 'relaxed' })
    await other.write('shop', [{ name: '!fence', value: 'theirs' }])
    assert.equal(await store.write('shop', [{ name: 'creds', value: 'd' }], [fence]), false)
    await store.close()
    assert.deepEqual(await other.read('shop', ['!fence', 'creds']), ['theirs', undefined])
    await other.close()
    const again = await openStore(path)
    assert.deepEqual(await again.read('shop', ['!fence', 'creds']), ['theirs', undefined])
    await again.close()
  })

  test('is closed before the next one is opened, or closing it would take that one’s locks', async () => {
    const events: string[] = []
    const load = async () => {
      const driver = await loadDriver()
      return (file: string): SqliteDatabase => {
        events.push('open')
        const database = driver(file)
        return {
          prepare: sql => database.prepare(sql),
          exec: sql => database.exec(sql),
          close() {
            events.push('close')
            return database.close()
          },
        }
      }
    }
    const store = await openStore(path, {}, { loadDriver: load })
    await unlink([''])
    const other = await openStore(path, { durability: 'relaxed' }, { loadDriver: load })
    assert.deepEqual(events, ['open', 'close', 'open'])
    await store.close()
    await other.close()
    assert.deepEqual(events, ['open', 'close', 'open', 'close'])
  })

  test('notices also when it was a database object of the caller’s', async () => {
    const database = await openDatabase(path)
    const store = await deletedStore(database)
    assert.deepEqual(await store.read('shop', ['creds']), [undefined])
    assert.equal(await store.write('shop', [{ name: 'creds', value: 'd' }], [fence]), false)
    assert.equal((await failure(store.open())).code, 'STORE_UNUSABLE')
    database.close()
  })

  test('notices also when another was moved over it', async () => {
    const other = join(folder, 'backup.db')
    await (await openStore(other)).close()
    const store = await openStore(path)
    await store.write('shop', [fence])
    await rename(other, path)
    assert.deepEqual(await store.read('shop', ['!fence']), [undefined])
    await store.close()
  })
})

function open(): Promise<AuthState> {
  return useSqliteAuthState(path, { logger: false, lease: { ttlMs } })
}

async function unlink(endings: readonly string[]): Promise<void> {
  for (const ending of endings) await rm(path + ending, { force: true })
}

function aborted({ signal }: AuthState): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve())
  })
}
