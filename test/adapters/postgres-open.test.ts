import assert from 'node:assert/strict'
import pg from 'pg'
import postgres from 'postgres'
import { type PostgresClient, postgresSchema, postgresStore } from '../../adapters/postgres.ts'
import { usePostgresAuthState } from '../../src/entries/postgres.ts'
import { sharedServer } from '../servers/shared-server.ts'
import { failure, freshName, openStore, testPool, urlWith } from './postgres-tables.ts'

const { url } = await sharedServer('postgres')
const bouncer = await sharedServer('pgbouncer')
const record = { name: 'creds', value: 'c' }

let table: string
let pool: pg.Pool

beforeEach(() => {
  table = freshName()
  pool = testPool(url)
})
afterEach(async () => {
  await pool.query(`drop table if exists ${table}`)
  await pool.end()
})

test.each([
  ['PostgreSQL', url],
  ['PgBouncer', bouncer.url],
])('twenty clients that open at once where nothing is yet all have it, on %s', async (_, where) => {
  for (let round = 0; round < 3; round++) {
    const schema = freshName()
    const clients = Array.from({ length: 20 }, () => testPool(where, 1))
    const stores = await Promise.all(clients.map(client => openStore(client, { table, schema })))
    await Promise.all(stores.map((store, at) => store.write(`s${at}`, [record])))
    const found: string[] = []
    for await (const page of stores[0]?.scopes() ?? []) found.push(...page)
    assert.equal(found.length, 20)
    await Promise.all(clients.map(client => client.end()))
    await pool.query(`drop schema ${schema} cascade`)
  }
})

test('opening what is there is one statement, which creates nothing and needs no right to', async () => {
  await openStore(pool, { table })
  const role = freshName()
  await pool.query(`create role ${role} login password 'p'`)
  await pool.query(`grant select, insert, update, delete on ${table} to ${role}`)
  const client = new pg.Client(urlWith(url, { user: role, password: 'p' }))
  await client.connect()
  const texts: string[] = []
  const { query } = client
  client.query = ((asked: { text: string }) => {
    texts.push(asked.text)
    return Reflect.apply(query, client, [asked])
  }) as never
  const store = await openStore(client, { table })
  assert.equal(texts.length, 1)
  assert.match(texts[0] ?? '', /^select/)
  assert.equal(await store.write('shop', [record]), true)
  await client.end()
  await pool.query(`drop owned by ${role}`)
  await pool.query(`drop role ${role}`)
})

test('where a role may not create it, the error says who can, and how', async () => {
  const role = freshName()
  await pool.query(`create role ${role} login password 'p'`)
  const other = testPool(urlWith(url, { user: role, password: 'p' }))
  for (const schema of [undefined, freshName(), 'pg_catalog']) {
    const refused = await failure(postgresStore(other, { table, ...(schema && { schema }) }).open())
    assert.equal(refused.code, 'STORE_UNUSABLE')
    assert.match(refused.message, /permission is denied.*postgresSchema\(\)/)
  }
  await other.end()
  await pool.query(`drop role ${role}`)
})

test('a role that owns the schema and nothing else opens a store in it, and may run the printed schema', async () => {
  const [role, schema, printed] = [freshName(), freshName(), freshName()]
  await pool.query(`create role ${role} login password 'p'`)
  await pool.query(`create schema ${schema} authorization ${role}`)
  const other = testPool(urlWith(url, { user: role, password: 'p' }))
  const store = await openStore(other, { table, schema })
  assert.equal(await store.write('shop', [record]), true)
  await other.query(postgresSchema({ table: printed, schema }))
  assert.equal(await (await openStore(other, { table: printed, schema })).write('shop', [record]), true)
  await other.end()
  await pool.query(`drop owned by ${role}`)
  await pool.query(`drop role ${role}`)
})

test('the printed schema is what a store makes, may be run again, and in partitions serves as well', async () => {
  const describeTable = async (name: string) => {
    const { rows } = await pool.query(
      `select attname, atttypid::regtype::text, attnotnull, collname from pg_attribute
       left join pg_collation on pg_collation.oid = attcollation
       where attrelid = $1::regclass and attnum > 0 order by attname`,
      [name],
    )
    return rows
  }
  await openStore(pool, { table })
  const own = await describeTable(table)
  const schema = freshName()
  for (const partitions of [undefined, 3]) {
    const name = freshName()
    const sql = postgresSchema({ table: name, schema, partitions })
    await pool.query(sql)
    await pool.query(sql)
    assert.deepEqual(await describeTable(`${schema}.${name}`), own)
    const store = await openStore(pool, { table: name, schema })
    assert.equal(await store.write('shop', [record]), true)
    assert.deepEqual(store.warnings, [])
    await openStore(pool, { table: name, schema })
  }
  await pool.query(`drop schema ${schema} cascade`)
})

test('hostile names of tables and schemas are names', async () => {
  const hostile = [`a"b'; drop table x; --`, '$authkit$ %s \\', 'Ä 表', 'select', `e'\\'''`]
  for (const name of hostile) {
    const schema = `${freshName()} ${name}`
    const quoted = pg.escapeIdentifier(schema)
    const store = await openStore(pool, { table: name, schema })
    await store.write('shop', [record])
    const again = await openStore(pool, { table: name, schema })
    assert.deepEqual(await again.read('shop', ['creds']), ['c'])
    const { rows } = await pool.query(`select value from ${quoted}.${pg.escapeIdentifier(name)}`)
    assert.deepEqual(rows, [{ value: 'c' }])
    await pool.query(`drop schema ${quoted} cascade`)
  }
})

test('a newer schema is refused by name', async () => {
  await openStore(pool, { table })
  await pool.query(`comment on table ${table} is 'baileys-authkit schema 2'`)
  const refused = await failure(usePostgresAuthState(pool, { session: 'shop', table, logger: false }))
  assert.equal(refused.code, 'SCHEMA_NEWER')
  assert.match(refused.message, /schema 2.*knows 1\. Update/)
})

test.each([
  ['a table with other columns', '(scope text, data text)'],
  ['one without a primary key', '(scope text collate "C", name text collate "C", value text)'],
  ['one that sorts otherwise', '(scope text, name text, value text, primary key (scope, name))'],
  [
    'one with its key the other way round',
    '(scope text collate "C", name text collate "C", value text, primary key (name, scope))',
  ],
])('%s is refused, and left alone', async (_, columns) => {
  await pool.query(`create table ${table} ${columns}`)
  const refused = await failure(postgresStore(pool, { table }).open())
  assert.equal(refused.code, 'STORE_UNUSABLE')
  assert.match(refused.message, /is not as a store needs it.*option 'table'/)
})

test('a view is refused', async () => {
  const view = freshName()
  await openStore(pool, { table })
  await pool.query(`create view ${view} as select * from ${table}`)
  assert.equal((await failure(postgresStore(pool, { table: view }).open())).code, 'STORE_UNUSABLE')
  await pool.query(`drop view ${view}`)
})

test('a database without a place for every text is refused, and SQL_ASCII is not', async () => {
  for (const [encoding, isTaken] of [
    ['LATIN1', false],
    ['SQL_ASCII', true],
  ] as const) {
    const database = freshName()
    await pool.query(
      `create database ${database} encoding '${encoding}' locale_provider libc lc_collate 'C' lc_ctype 'C' template template0`,
    )
    const inside = testPool(urlWith(url, { database }))
    const opening = postgresStore(inside, { table }).open()
    if (isTaken) {
      await opening
      const store = await openStore(inside, { table })
      await store.write('shop', [{ name: 'creds', value: 'ä 表 😀' }])
      assert.deepEqual(await store.read('shop', ['creds']), ['ä 表 😀'])
    } else {
      const refused = await failure(opening)
      assert.equal(refused.code, 'STORE_UNUSABLE')
      assert.match(refused.message, /encoded in LATIN1.*encoding 'UTF8' template template0/)
    }
    await inside.end()
    await pool.query(`drop database ${database} with (force)`)
  }
})

test('a connection with another encoding than the driver’s is refused', async () => {
  const other = new pg.Client(url)
  await other.connect()
  await other.query("set client_encoding = 'LATIN1'")
  assert.match((await failure(postgresStore(other, { table }).open())).message, /client_encoding LATIN1/)
  await other.end()
})

test.each([
  ['of ICU, that sorts a before B and numbers by value', `locale_provider icu icu_locale 'en-u-kn-true'`],
  ['C.UTF-8', `locale_provider libc lc_collate 'C.UTF-8' lc_ctype 'C.UTF-8'`],
])('names are compared byte by byte under a default collation %s', async (_, locale) => {
  const database = freshName()
  await pool.query(`create database ${database} encoding 'UTF8' ${locale} template template0`)
  const inside = testPool(urlWith(url, { database }))
  const store = await openStore(inside, { table })
  const names = [
    'session/10',
    'session/9',
    'session/B',
    'session/a',
    'session-x',
    '!fence',
    'Session/a',
    'session/a-b',
  ]
  for (const scope of ['bot10', 'bot9', 'Bot9', 'bot-9', 'bot9.'])
    await store.write(
      scope,
      names.map(name => ({ name, value: `${scope} ${name}` })),
    )
  const found: string[] = []
  for await (const page of store.list('bot9', { prefix: 'session/' }))
    found.push(...page.map(({ name }) => name))
  assert.deepEqual(found, ['session/10', 'session/9', 'session/B', 'session/a', 'session/a-b'])
  const scopes: string[] = []
  for await (const page of store.scopes('bot9')) scopes.push(...page)
  assert.deepEqual(scopes, ['bot9', 'bot9.'])
  await store.remove('bot9')
  assert.deepEqual(await store.read('bot9.', ['session/a']), ['bot9. session/a'])
  assert.deepEqual(await store.read('Bot9', ['session/a']), ['Bot9 session/a'])
  await inside.end()
  await pool.query(`drop database ${database} with (force)`)
})

test('a table that is not logged is warned of, and fsync off by the same name', async () => {
  await openStore(pool, { table })
  await pool.query(`alter table ${table} set unlogged`)
  const store = await openStore(pool, { table })
  assert.deepEqual(
    store.warnings?.map(({ code }) => code),
    ['POSTGRES_NOT_DURABLE'],
  )
  assert.match(store.warnings?.[0]?.message ?? '', /the table is unlogged.*set logged/)
  const parts = freshName()
  await pool.query(postgresSchema({ table: parts, partitions: 2 }))
  await pool.query(`alter table ${parts}_1 set unlogged`)
  assert.equal((await openStore(pool, { table: parts })).warnings?.length, 1)
  await pool.query(`drop table ${parts}`)
})

test('a batch is committed with synchronous_commit on where the role or the connection has it off', async () => {
  const client = new pg.Client({ connectionString: url, options: '-c synchronous_commit=off' })
  await client.connect()
  const store = await openStore(client, { table })
  const flushed = async (work: () => Promise<unknown>) => {
    // Where the commit waited, the log is on disk up to its own insert position as it was at the commit.
    const { rows } = await client.query('select pg_current_wal_insert_lsn()::text as lsn')
    await work()
    const after = await client.query('select pg_current_wal_flush_lsn() > $1::pg_lsn as flushed', [
      rows[0].lsn,
    ])
    return after.rows[0].flushed
  }
  for (let round = 0; round < 10; round++)
    assert.equal(await flushed(() => store.write('shop', [{ name: 'creds', value: `${round}` }])), true)
  assert.equal((await client.query('show synchronous_commit')).rows[0].synchronous_commit, 'off')
  await client.end()
})

test('stores on the same client and table have the same identity, whether its schema is named or not', async () => {
  const other = testPool(url)
  const [one, same, elsewhere, client] = [
    await openStore(pool, { table }),
    await openStore(pool, { table, schema: 'public' }),
    await openStore(pool, { table: `${table}_b` }),
    await openStore(other, { table }),
  ]
  assert.deepEqual(one.identity.slice(2), same.identity.slice(2))
  assert.ok(one.identity.every((item, at) => item === same.identity[at]))
  assert.ok(one.identity.some((item, at) => item !== elsewhere.identity[at]))
  assert.ok(one.identity.some((item, at) => item !== client.identity[at]))
  await pool.query(`drop table ${table}_b`)
  await other.end()
})

test('wrong options are TypeErrors at the call', async () => {
  for (const wrong of [undefined, null, url, {}, { query: 'select' }, { unsafe() {} }]) {
    // A caller without types.
    assert.throws(() => postgresStore(wrong as unknown as PostgresClient), TypeError)
  }
  for (const name of ['', 'x'.repeat(64), 'ä'.repeat(32), 'a\0b', 7, null]) {
    assert.throws(() => postgresStore(pool, { table: name as string }), TypeError)
    assert.throws(() => postgresSchema({ schema: name as string }), TypeError)
  }
  for (const partitions of [0, 1.5, -1, 100_000, Number.NaN])
    assert.throws(() => postgresSchema({ partitions }), /'partitions'/)
  assert.throws(() => postgresSchema({ table: 'x'.repeat(63), partitions: 2 }), TypeError)
  await assert.rejects(usePostgresAuthState(pool, {} as { session: string }), /'session' is required/)
  await assert.rejects(
    usePostgresAuthState(pool, { session: 'x', tabel: 'y' } as { session: string }),
    /unknown option 'tabel'/,
  )
  const sql = postgres(url, { max: 1 })
  await sql.begin(async inside => {
    assert.throws(() => postgresStore(inside as unknown as PostgresClient), TypeError)
  })
  await sql.end()
  await assert.rejects(postgresStore(pool).read('shop', ['creds']), TypeError)
})
