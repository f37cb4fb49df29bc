import assert from 'node:assert/strict'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { sqliteStore } from '../../adapters/sqlite.ts'
import { useSqliteAuthState } from '../../src/entries/sqlite.ts'
import { failure, openStore, temporaryFolder } from './sqlite-folder.ts'

// What only better-sqlite3 has. Its binary is built for one release of Node, so this runs on that one alone.

let path: string
let remove: () => Promise<void>

beforeEach(async () => {
  const made = await temporaryFolder()
  remove = made.remove
  path = join(made.folder, 'bots.db')
})
afterEach(() => remove())

test('a database of better-sqlite3 is taken as it is, also with safeIntegers, and left open', async () => {
  const database = new BetterSqlite3(path)
  database.defaultSafeIntegers()
  const auth = await useSqliteAuthState(database, { session: 'shop', logger: false })
  await auth.state.keys.set({ 'lid-mapping': { a: 'b' } })
  await auth.saveCreds()
  await auth.close()
  const store = await openStore(database)
  const scopes: string[] = []
  for await (const page of store.scopes()) scopes.push(...page)
  assert.deepEqual(scopes, ['shop'])
  await store.close()
  assert.equal(database.open, true)
  database.close()
})

test('a database that was opened readonly is read, and refuses writes for good', async () => {
  const made = await openStore(path)
  await made.write('shop', [{ name: 'creds', value: 'kept' }])
  const database = new BetterSqlite3(path, { readonly: true })
  const store = await openStore(database)
  assert.deepEqual(await store.read('shop', ['creds']), ['kept'])
  const refused = await failure(store.write('shop', [{ name: 'creds', value: 'lost' }]))
  assert.equal(refused.code, 'WRITE_FAILED')
  assert.equal(store.isPermanent?.(refused), true)
  database.close()
  await made.close()
})

test('a query of the caller’s that is not read to its end is waited for', async () => {
  const database = new BetterSqlite3(path)
  const store = await openStore(database)
  await store.write('shop', [{ name: 'creds', value: 'c' }])
  const rows = database.prepare('select * from authkit_records').iterate()
  rows.next()
  const write = store.write('shop', [{ name: 'creds', value: 'd' }])
  const read = store.read('shop', ['creds'])
  await new Promise(resolve => setTimeout(resolve, 30))
  rows.return?.()
  assert.equal(await write, true)
  assert.equal((await read).length, 1)
  assert.deepEqual(await store.read('shop', ['creds']), ['d'])
  database.close()
})

test('journal_mode off is refused', async () => {
  const database = new BetterSqlite3(path)
  database.unsafeMode()
  database.pragma('journal_mode = off')
  assert.equal((await failure(sqliteStore(database).open())).code, 'STORE_UNUSABLE')
  database.close()
})
