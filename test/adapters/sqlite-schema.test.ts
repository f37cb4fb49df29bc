import assert from 'node:assert/strict'
import { join } from 'node:path'
import { migrations } from '../../adapters/sqlite/schema.ts'
import { useSqliteAuthState } from '../../src/entries/sqlite.ts'
import { openDatabase } from './sqlite-backend.ts'
import { failure, openStore, temporaryFolder } from './sqlite-folder.ts'

let path: string
let remove: () => Promise<void>

beforeEach(async () => {
  const made = await temporaryFolder()
  remove = made.remove
  path = join(made.folder, 'bots.db')
})
afterEach(() => remove())

const note = 'create table note (text)'
const fill = "insert into note (text) values ('upgraded')"

test('an older schema is upgraded, step by step and once, and keeps what it held', async () => {
  const old = await openStore(path)
  await old.write('shop', [{ name: 'creds', value: 'kept' }])
  await old.close()
  for (const steps of [
    [...migrations, note, fill],
    [...migrations, note, fill],
  ]) {
    const store = await openStore(path, {}, { migrations: steps })
    assert.deepEqual(await store.read('shop', ['creds']), ['kept'])
    await store.close()
  }
  const database = await openDatabase(path)
  assert.equal(database.prepare('select text from note').all().length, 1)
  database.close()
})

test('an upgrade that fails changes nothing, and the next one does it', async () => {
  const old = await openStore(path)
  await old.write('shop', [{ name: 'creds', value: 'kept' }])
  await old.close()
  const broken = [...migrations, `${note}; ${fill}`, 'insert into missing (text) values (1)']
  await failure(openStore(path, {}, { migrations: broken }))
  const database = await openDatabase(path)
  assert.equal(database.prepare("select 1 from sqlite_master where name = 'note'").get(), undefined)
  database.close()
  const store = await openStore(path, {}, { migrations: [...migrations, note, fill] })
  assert.deepEqual(await store.read('shop', ['creds']), ['kept'])
  await store.close()
})

test('an upgrade that fails on the caller’s database leaves no transaction open', async () => {
  const database = await openDatabase(path)
  await failure(
    openStore(database, {}, { migrations: [...migrations, 'insert into missing (text) values (1)'] }),
  )
  database.exec('begin')
  database.exec('rollback')
  const store = await openStore(database)
  assert.ok(await store.write('shop', [{ name: 'creds', value: 'c' }]))
  database.close()
})

test('a newer schema is refused by name, and stays as it is', async () => {
  const newer = await openStore(path, {}, { migrations: [...migrations, note] })
  await newer.write('shop', [{ name: 'creds', value: 'kept' }])
  await newer.close()
  const refused = await failure(useSqliteAuthState(path, { session: 'shop', logger: false }))
  assert.equal(refused.code, 'SCHEMA_NEWER')
  assert.match(
    refused.message,
    new RegExp(`schema ${migrations.length + 1}.*knows ${migrations.length}\\. Update`),
  )
  assert.ok(refused.message.includes(path))
  const again = await openStore(path, {}, { migrations: [...migrations, note] })
  assert.deepEqual(await again.read('shop', ['creds']), ['kept'])
  await again.close()
})

test('the caller’s own tables and user_version stay as they are', async () => {
  const database = await openDatabase(path)
  database.exec("pragma user_version = 7; create table app (a); insert into app values ('mine')")
  const store = await openStore(database)
  await store.write('shop', [{ name: 'creds', value: 'c' }])
  assert.deepEqual({ ...Object(database.prepare('pragma user_version').get()) }, { user_version: 7 })
  assert.deepEqual({ ...Object(database.prepare('select a from app').get()) }, { a: 'mine' })
  database.close()
})
