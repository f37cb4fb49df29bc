import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Pool, RowDataPacket } from 'mysql2/promise'
import { mysqlSchema, mysqlStore } from '../../adapters/mysql.ts'
import { startServer } from '../servers/start-server.ts'
import { connect, failure, freshTable, openStore, sharedUrl } from './mysql-backend.ts'

let pool: Pool
let table: string

beforeAll(() => {
  pool = connect({ connectionLimit: 24 })
})
beforeEach(() => {
  table = freshTable()
})
afterEach(() => pool.query('drop table if exists ??', [table]))
afterAll(() => pool.end())

test('of 20 clients that create the table at once all succeed, again and again', async () => {
  const pools = Array.from({ length: 20 }, () => connect({ connectionLimit: 1 }))
  await Promise.all(pools.map(each => each.query('select 1')))
  for (let round = 0; round < 5; round++) {
    await Promise.all(pools.map(each => openStore(each, { table })))
    await pool.query('drop table ??', [table])
  }
  await Promise.all(pools.map(each => each.end()))
})

test('opening again changes nothing', async () => {
  const store = await openStore(pool, { table })
  await store.write('shop', [{ name: 'creds', value: 'kept' }])
  const before = await definition()
  await store.open()
  const again = await openStore(pool, { table })
  assert.equal(await definition(), before)
  assert.deepEqual(await again.read('shop', ['creds']), ['kept'])
})

test('the table is what it is whatever the server’s and the database’s defaults are', async () => {
  const database = `authkit_${randomBytes(4).toString('hex')}`
  await pool.query('create database ?? character set utf16 collate utf16_general_ci', [database])
  const other = connect({ database, connectionLimit: 1 })
  await other.query("set default_storage_engine = MyISAM, sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'")
  await openStore(other, { table })
  const [columns] = await other.query<RowDataPacket[]>(
    'select column_name as name, collation_name as collation, column_type as type from information_schema.columns where table_schema = ? and table_name = ? order by ordinal_position',
    [database, table],
  )
  assert.deepEqual(
    columns.map(({ name, collation, type }) => [name, collation, type]),
    [
      ['scope', 'ascii_bin', 'varchar(200)'],
      ['name', 'ascii_bin', 'varchar(400)'],
      ['value', null, 'longblob'],
    ],
  )
  const [[made] = []] = await other.query<RowDataPacket[]>(
    'select engine as engine, row_format as format from information_schema.tables where table_schema = ? and table_name = ?',
    [database, table],
  )
  assert.deepEqual({ ...made }, { engine: 'InnoDB', format: 'Dynamic' })
  await other.query('drop database ??', [database])
  await other.end()
})

test('the printed statement makes the table that the store makes', async () => {
  await openStore(pool, { table })
  const made = await definition()
  await pool.query('drop table ??', [table])
  await pool.query(mysqlSchema({ table }))
  assert.equal(await definition(), made)
  assert.ok(mysqlSchema().includes('`authkit_records`'))
})

test('a user without the right to create finds the table that stands, and works on it', async () => {
  const user = `u${randomBytes(4).toString('hex')}`
  await pool.query(`create user ${user}@'%' identified by 'secret'`)
  await openStore(pool, { table })
  await pool.query(`grant select, insert, update, delete on \`${table}\` to ${user}@'%'`)
  const limited = connect({ user, password: 'secret', connectionLimit: 2 })
  const store = await openStore(limited, { table })
  assert.ok(await store.write('shop', [{ name: 'creds', value: 'c' }]))
  assert.ok(
    await store.write('shop', [{ name: '!fence', value: 'f' }], [{ name: '!fence', value: undefined }]),
  )
  assert.deepEqual(await store.read('shop', ['creds', '!fence']), ['c', 'f'])
  assert.ok(await store.remove('shop', [{ name: '!fence', value: 'f' }]))
  const refused = await failure(openStore(limited, { table: freshTable() }))
  assert.equal(refused.code, 'STORE_UNUSABLE')
  assert.match(refused.message, /Grant it SELECT, INSERT, UPDATE and DELETE/)
  await pool.query(`revoke insert, update, delete on \`${table}\` from ${user}@'%'`)
  await openStore(limited, { table })
  await limited.end()
  await pool.query(`drop user ${user}@'%'`)
})

test('a newer schema is refused by name, and stays as it is', async () => {
  await openStore(pool, { table })
  await pool.query("alter table ?? comment = 'baileys-authkit schema 2'", [table])
  const before = await definition()
  const refused = await failure(openStore(pool, { table }))
  assert.equal(refused.code, 'SCHEMA_NEWER')
  assert.match(refused.message, new RegExp(`${table} has schema 2.*knows 1\\. Update`))
  assert.equal(await definition(), before)
})

test.each([
  ['of another engine', 'engine = MyISAM'],
  ['of another program', "comment = 'our orders'"],
])('a table %s is refused', async (_, change) => {
  await openStore(pool, { table })
  await pool.query(`alter table \`${table}\` ${change}`)
  const refused = await failure(openStore(pool, { table }))
  assert.equal(refused.code, 'STORE_UNUSABLE')
  assert.match(refused.message, /is not one that this package has made.*mysqlSchema\(\) gives\.$/)
})

test('a view is refused', async () => {
  await pool.query(`create view \`${table}\` as select 1 as scope`)
  assert.equal((await failure(openStore(pool, { table }))).code, 'STORE_UNUSABLE')
  await pool.query('drop view ??', [table])
})

test('tables of any printable name are kept apart', async () => {
  const marks = [
    '`',
    '"',
    "'",
    ' x',
    '.b',
    '%',
    '_',
    '\\',
    '?',
    '; drop table x',
    'A',
    'a',
    '{x}',
    '/*',
    '--',
  ]
  // The last are what our statements call what stands beside the table.
  const names = [...marks.map(mark => `${table}${mark}`), 'c', 'g', 'r']
  for (const name of names) {
    const store = await openStore(pool, { table: name })
    assert.ok(
      await store.write('s', [{ name: '!fence', value: name }], [{ name: '!fence', value: undefined }]),
      name,
    )
  }
  for (const name of names) {
    const store = await openStore(pool, { table: name })
    assert.deepEqual(await store.read('s', ['!fence']), [name])
    assert.equal(await store.write('s', [{ name: 'a', value: 'b' }], [{ name: '!fence', value: 'x' }]), false)
    assert.ok(await store.remove('s', [{ name: '!fence', value: name }]))
    await pool.query(`drop table \`${name.replaceAll('`', '``')}\``)
  }
})

test.each(['', ' a', 'a ', 'ü', 'a\0', 'x'.repeat(65), 7, null])('%j is no table', name => {
  // What JavaScript's callers may pass.
  assert.throws(() => mysqlStore(pool, { table: name as string }), TypeError)
  assert.throws(() => mysqlSchema({ table: name as string }), TypeError)
})

test('a pool whose connections have autocommit turned off is refused', async () => {
  const other = connect({ connectionLimit: 1 })
  await other.query('set autocommit = 0')
  const refused = await failure(openStore(other, { table }))
  assert.equal(refused.code, 'STORE_UNUSABLE')
  assert.match(refused.message, /SET autocommit = 1/)
  await other.end()
})

test.each([
  ['no database', { uri: sharedUrl.replace(/\/[^/]*$/, '/') }, /option database\.$/],
  ['a database that is not there', { database: 'authkit_nowhere' }, /option database\.$/],
  ['a wrong password', { user: 'authkit_nobody', password: 'wrong-password' }, /user, password and host/],
])('%s is refused with the remedy', async (_, options, remedy) => {
  const other = connect(options)
  const refused = await failure(openStore(other, { table }))
  assert.equal(refused.code, 'STORE_UNUSABLE')
  assert.match(refused.message, remedy)
  await other.end()
})

test('a server that is not there is a passing failure', async () => {
  const other = connect({ uri: 'mysql://root@127.0.0.1:1/authkit' })
  const store = mysqlStore(other, { table })
  const refused = await failure(store.open())
  assert.equal(refused.code, 'READ_FAILED')
  assert.match(refused.message, /ECONNREFUSED/)
  assert.equal(store.isPermanent?.(refused), false)
  await other.end()
})

test('settings that lose what was acknowledged are warned of, each with its name', async () => {
  await using server = await startServer('mysql')
  const own = connect({ uri: server.url })
  const safe = await openStore(own, { table })
  assert.deepEqual(safe.warnings, [])
  await own.query('set global innodb_flush_log_at_trx_commit = 2')
  const unsafe = await openStore(own, { table })
  assert.deepEqual(
    unsafe.warnings?.map(({ code, message }) => [code, /innodb_flush_log_at_trx_commit is 2/.test(message)]),
    [['MYSQL_NOT_DURABLE', true]],
  )
  await own.end()
})

async function definition(): Promise<string> {
  const [[shown] = []] = await pool.query<RowDataPacket[]>('show create table ??', [table])
  return String(shown?.['Create Table'])
}
