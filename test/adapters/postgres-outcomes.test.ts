import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import pg, { type PoolClient } from 'pg'
import postgres from 'postgres'
import { postgresStore } from '../../adapters/postgres.ts'
import { usePostgresAuthState } from '../../src/entries/postgres.ts'
import { scopeOf } from '../../src/names.ts'
import type { Store } from '../../src/store.ts'
import { containing, TcpProxy } from '../proxy/tcp-proxy.ts'
import { sharedServer } from '../servers/shared-server.ts'
import { failure, freshName, listed, openStore, testPool, urlWith } from './postgres-tables.ts'

const { url } = await sharedServer('postgres')
const fence = { name: '!fence', value: 'f' }
const secretName = 'session/49170123456'
const secretValue = 'the-secret-ratchet'
const batch = [fence, { name: secretName, value: secretValue }]

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

test('a wrong password, a database and a schema that are not there are STORE_UNUSABLE, with what to do', async () => {
  const wrong = [
    [urlWith(url, { password: 'wrong' }), /password is wrong.*Look at the URL/],
    [urlWith(url, { database: 'nowhere' }), /database does not exist.*Create it/],
  ] as const
  for (const [where, message] of wrong) {
    const other = testPool(where)
    for (const client of [other, postgres(where, { max: 1 })]) {
      const store = postgresStore(client, { table })
      const refused = await failure(store.open())
      assert.equal(refused.code, 'STORE_UNUSABLE')
      assert.match(refused.message, message)
      assert.equal(store.isPermanent?.(refused), true)
    }
    await other.end()
  }
  const lost = new pg.Client({ connectionString: url, options: '-c search_path=nowhere' })
  await lost.connect()
  assert.match((await failure(postgresStore(lost, { table }).open())).message, /no schema to create/)
  await lost.end()
})

test('a server that is not there is a passing failure', async () => {
  const store = postgresStore(testPool('postgres://user@127.0.0.1:1/db'), { table })
  const refused = await failure(store.open())
  assert.equal(refused.code, 'READ_FAILED')
  assert.match(refused.message, /could not be reached/)
  assert.equal(store.isPermanent?.(refused), false)
})

test('a session goes on when backends are terminated in the middle of traffic', async () => {
  const auth = await usePostgresAuthState(pool, { session: 'shop', table, logger: false })
  await auth.saveCreds()
  const admin = new pg.Client(url)
  await admin.connect()
  let isOver = false
  let ended = 0
  const terminating = (async () => {
    while (!isOver) {
      const { rowCount } = await admin.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where query like $1 and pid <> pg_backend_pid()',
        [`%${table}%`],
      )
      ended += rowCount ?? 0
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  })()
  for (let at = 0; at < 150; at++) {
    await auth.state.keys.set({ 'lid-mapping': { [`id${at}`]: `value ${at}` } })
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  isOver = true
  await terminating
  await admin.end()
  assert.ok(ended > 3, `${ended} were terminated`)
  await auth.close()
  const again = await usePostgresAuthState(pool, { session: 'shop', table, logger: false })
  const ids = Array.from({ length: 150 }, (_, at) => `id${at}`)
  const found = await again.state.keys.get('lid-mapping', ids)
  for (const [at, id] of ids.entries()) assert.equal(found[id], `value ${at}`)
  await again.close()
})

test('a Client that lost its connection is STORE_UNUSABLE, and told to be a Pool', async () => {
  const client = new pg.Client(url)
  client.on('error', () => {})
  await client.connect()
  const store = await openStore(client, { table })
  const ended = new Promise(resolve => client.once('end', resolve))
  await pool.query('select pg_terminate_backend($1)', [Object(client).processID])
  await ended
  const refused = await failure(store.write('shop', batch))
  assert.equal(refused.code, 'STORE_UNUSABLE')
  assert.match(refused.message, /does not connect again\. Pass a Pool/)
  assert.equal(store.isPermanent?.(refused), true)
  const unconnected = await failure(postgresStore(new pg.Client(url), { table }).open())
  assert.equal(unconnected.code, 'STORE_UNUSABLE')
  assert.match(unconnected.message, /not connected. Await client.connect\(\)/)
})

test('a pool or a Client that was ended is STORE_UNUSABLE', async () => {
  const other = testPool(url)
  const client = new pg.Client(url)
  await client.connect()
  const sql = postgres(url, { max: 1 })
  for (const ending of [other, client, sql]) {
    const store = postgresStore(ending, { table })
    await store.open()
    await ending.end()
    const refused = await failure(store.read('shop', ['creds']))
    assert.equal(refused.code, 'STORE_UNUSABLE', refused.message)
    assert.equal(store.isPermanent?.(refused), true)
  }
})

test('a database that takes no writes says so, and is tried again', async () => {
  await openStore(pool, { table })
  const options = '-c default_transaction_read_only=on'
  const standby = new pg.Pool({ connectionString: url, options, max: 1 })
  const store = await openStore(standby, { table })
  assert.deepEqual(await store.read('shop', ['creds']), [undefined])
  for (const refused of [await failure(store.write('shop', batch)), await failure(store.remove('shop'))]) {
    assert.equal(refused.code, 'WRITE_FAILED')
    assert.match(refused.message, /read-only.*Connect to the primary/)
    assert.equal(store.isPermanent?.(refused), false)
  }
  await standby.end()
})

test('a right that is missing is STORE_UNUSABLE, for good', async () => {
  await openStore(pool, { table })
  const role = freshName()
  await pool.query(`create role ${role} login password 'p'`)
  await pool.query(`grant select on ${table} to ${role}`)
  const other = testPool(urlWith(url, { user: role, password: 'p' }))
  const store = await openStore(other, { table })
  assert.deepEqual(await store.read('shop', ['creds']), [undefined])
  const refused = await failure(store.write('shop', batch))
  assert.equal(refused.code, 'STORE_UNUSABLE')
  assert.match(refused.message, /permission is denied.*Grant the role/)
  assert.equal(store.isPermanent?.(refused), true)
  await other.end()
  await pool.query(`drop owned by ${role}; drop role ${role}`)
})

test('a lock that is held for too long, and a statement that is cancelled, are passing failures', async () => {
  await openStore(pool, { table }).then(store => store.write('shop', batch))
  const holder = new pg.Client(url)
  await holder.connect()
  await holder.query('begin')
  await holder.query(`select from ${table} for update`)
  for (const setting of ['lock_timeout', 'statement_timeout']) {
    // One connection, which keeps what is set after the store has looked at its table.
    const hasty = testPool(url, 1)
    const store = await openStore(hasty, { table })
    await hasty.query(`set ${setting} = 50`)
    const refused = await failure(store.write('shop', [{ name: 'creds', value: 'c' }], [fence]))
    assert.equal(refused.code, 'WRITE_FAILED')
    assert.match(refused.message, /took too long/)
    assert.equal(store.isPermanent?.(refused), false)
    await hasty.end()
  }
  await holder.end()
})

test('the largest batch that the store allows lands, whatever is in it', async () => {
  const store = await openStore(pool, { table })
  const half = (store.limits.batchBytes - 1000) / 2
  const texts = ['"'.repeat(half), '\\'.repeat(half)]
  assert.ok(
    await store.write(
      'shop',
      texts.map((value, at) => ({ name: `x/${at}`, value })),
    ),
  )
  const read = await store.read('shop', ['x/1', 'x/0'])
  assert.ok(read[0] === texts[1] && read[1] === texts[0])
  for await (const page of store.list('shop', { values: true })) assert.equal(page.length, 1)
})

test('a page of a list is bounded by bytes and by records', async () => {
  const store = await openStore(pool, { table })
  const value = 'x'.repeat(300_000)
  await store.write(
    'shop',
    Array.from({ length: 20 }, (_, at) => ({ name: `large/${at}`, value })),
  )
  await store.write(
    'shop',
    Array.from({ length: 2500 }, (_, at) => ({ name: `small/${at}`, value: 's' })),
  )
  const names = new Set<string>()
  for await (const page of store.list('shop', { values: true })) {
    assert.ok(page.length <= 1000)
    assert.ok(page.reduce((sum, { value: text = '' }) => sum + text.length, 0) <= 1_400_000)
    for (const { name } of page) names.add(name)
  }
  assert.equal(names.size, 2520)
})

test('a table that was dropped is read as empty by nobody but who asks for a fence; guards fail, and open makes a new one', async () => {
  const store = await openStore(pool, { table })
  await store.write('shop', batch)
  await pool.query(`drop table ${table}`)
  assert.deepEqual(await store.read('shop', ['!fence', '!other']), [undefined, undefined])
  assert.equal(await store.write('shop', [{ name: 'creds', value: 'c' }], [fence]), false)
  assert.equal(await store.remove('shop', [fence]), false)
  for (const call of [
    store.read('shop', [secretName]),
    store.read('shop', ['!fence', 'creds']),
    listed(store, 'shop'),
    scopesOf(store),
    store.remove('shop'),
    store.write('shop', batch, [{ name: '!fence', value: undefined }]),
  ]) {
    const refused = await failure(call)
    assert.equal(refused.code, 'STORE_UNUSABLE')
    assert.match(refused.message, /table is not there.*Restore it/)
    assert.equal(store.isPermanent?.(refused), true)
  }
  await store.open()
  assert.equal(await store.write('shop', batch, [{ name: '!fence', value: undefined }]), true)
})

test('a connection that breaks in the moment in which it is lent ends no process', async () => {
  const store = await openStore(pool, { table })
  const connect = pool.connect.bind(pool)
  // As when the server's last words come in the same packet as its first.
  const interposed = (lend: (error: unknown, client: PoolClient | undefined, release: unknown) => void) =>
    connect((error, client, release) => {
      lend(error, client, release)
      client?.emit('error', new Error('terminating connection due to unexpected postmaster exit'))
    })
  Object.assign(pool, { connect: interposed })
  assert.equal(await store.write('shop', [{ name: 'creds', value: 'c' }]), true)
  assert.deepEqual(await store.read('shop', ['creds']), ['c'])
  Object.assign(pool, { connect })
})

test('promises 6 and 8: what is asked for while the table has another name is neither null nor kept in a cache', async () => {
  const auth = await usePostgresAuthState(pool, { session: 'shop', table, logger: false })
  await auth.saveCreds()
  await auth.state.keys.set({ 'lid-mapping': { a: '1' } })
  await auth.close()
  const cache = { preload: false }
  const again = await usePostgresAuthState(pool, { session: 'shop', table, cache, logger: false })
  await pool.query(`alter table ${table} rename to ${table}_away`)
  const read = () => Promise.resolve(again.state.keys.get('lid-mapping', ['a']))
  assert.equal((await failure(read())).code, 'STORE_UNUSABLE')
  await pool.query(`alter table ${table}_away rename to ${table}`)
  assert.deepEqual({ ...(await read()) }, { a: '1' })
  await again.state.keys.set({ 'lid-mapping': { a: '2' } })
  await again.close()
  const last = await usePostgresAuthState(pool, { session: 'shop', table, logger: false })
  assert.equal(last.state.creds.advSecretKey, auth.state.creds.advSecretKey)
  await last.close()
})

test('rule 11: a session whose table was dropped is a new one when it is opened again, and the old one writes nothing', async () => {
  const old = await usePostgresAuthState(pool, { session: 'shop', table, logger: false })
  await old.saveCreds()
  await pool.query(`drop table ${table}`)
  const anew = await usePostgresAuthState(pool, { session: 'shop', table, logger: false })
  assert.notEqual(anew.state.creds.advSecretKey, old.state.creds.advSecretKey)
  await anew.saveCreds()
  await assert.rejects(old.saveCreds(), { code: 'SESSION_REMOVED' })
  assert.equal(old.signal.reason.code, 'SESSION_REMOVED')
  await anew.close()
})

test('rule 11: so it is where the session’s rows were deleted by hand, and other sessions stay', async () => {
  const options = { table, logger: false } as const
  const [old, other] = [
    await usePostgresAuthState(pool, { session: 'shop', ...options }),
    await usePostgresAuthState(pool, { session: 'other', ...options }),
  ]
  for (const auth of [old, other]) {
    auth.state.creds.account = { details: Buffer.from('details') }
    await auth.saveCreds()
    await auth.state.keys.set({ 'lid-mapping': { a: '1' } })
  }
  await pool.query(`delete from ${table} where scope = $1`, [scopeOf('shop')])
  const anew = await usePostgresAuthState(pool, { session: 'shop', ...options })
  assert.notEqual(anew.state.creds.advSecretKey, old.state.creds.advSecretKey)
  assert.equal(anew.state.creds.account, undefined)
  assert.equal(old.signal.reason.code, 'SESSION_REMOVED')
  await anew.saveCreds()
  for (const late of [old.saveCreds(), Promise.resolve(old.state.keys.set({ 'lid-mapping': { a: 'late' } }))])
    assert.equal((await failure(late)).code, 'SESSION_REMOVED')
  const store = await openStore(pool, { table })
  assert.deepEqual(Object.keys(await listed(store, scopeOf('shop'))), ['!fence', 'creds'])
  await other.state.keys.set({ 'lid-mapping': { b: '1' } })
  assert.deepEqual(await store.read(scopeOf('other'), ['lid-mapping/a', 'lid-mapping/b']), ['"1"', '"1"'])
  await anew.close()
  await other.close()
})

test.each([
  ['rows are deleted', () => `delete from ${table} where scope = '${scopeOf('shop')}'`],
  ['table is dropped', () => `drop table ${table}`],
])('a session whose %s under it ends with its next write, and does not rise again', async (_, statement) => {
  const auth = await usePostgresAuthState(pool, { session: 'shop', table, logger: false })
  await auth.saveCreds()
  await pool.query(statement())
  const late = Promise.resolve(auth.state.keys.set({ 'lid-mapping': { a: 'late' } }))
  assert.equal((await failure(late)).code, 'SESSION_REMOVED')
  assert.equal(auth.signal.reason.code, 'SESSION_REMOVED')
  assert.deepEqual(await listed(await openStore(pool, { table }), scopeOf('shop')), {})
})

test('a transaction of the caller’s on the same Client is no place for a batch', async () => {
  const client = new pg.Client(url)
  await client.connect()
  const store = await openStore(client, { table })
  await client.query('begin')
  const refused = await failure(store.write('shop', batch))
  assert.equal(refused.code, 'WRITE_FAILED')
  assert.match(refused.message, /in the middle of a transaction of the caller.*pass a Pool/)
  assert.equal(store.isPermanent?.(refused), false)
  await client.query('rollback')
  assert.equal(await store.write('shop', batch), true)
  await client.end()
})

test.each([
  ['', (_: pg.PoolClient) => {}],
  // Up to 8.20 there is no such method.
  [
    ', of an older pg too',
    (client: pg.PoolClient) => Object.assign(client, { getTransactionStatus: undefined }),
  ],
])(
  'a client that a pool lends in the middle of a transaction lands nothing, reads nothing old and keeps no lock%s',
  async (_, change) => {
    const leaking = testPool(url, 1)
    leaking.on('connect', change)
    const store = await openStore(leaking, { table })
    const direct = await openStore(pool, { table })
    await direct.write('shop', batch)
    const calls = {
      READ_FAILED: () => store.read('shop', [secretName]),
      WRITE_FAILED: () => store.write('shop', [{ name: secretName, value: 'lost' }], [fence]),
    }
    for (const [code, call] of Object.entries(calls)) {
      for (const left of ['begin isolation level repeatable read; select 1', 'begin; select nothing']) {
        const client = await leaking.connect()
        await client.query(left).catch(() => {})
        client.release()
        const refused = await failure(call())
        assert.equal(refused.code, code)
        assert.match(refused.message, /in the middle of a transaction.*End a transaction before its client/)
        assert.equal(store.isPermanent?.(refused), false)
        assert.equal(await direct.write('shop', [{ name: 'creds', value: left }], [fence]), true)
        assert.deepEqual(await store.read('shop', [secretName, 'creds']), [secretValue, left])
      }
    }
    assert.equal(leaking.totalCount, 1)
    await leaking.end()
  },
)

test('a pool’s client that is lost in the middle of a statement ends no process, and is not lent again', async () => {
  const { hostname, port } = new URL(url)
  await using proxy = await TcpProxy.start({ host: hostname, port: Number(port) })
  const one = testPool(proxy.url(url), 1)
  const store = await openStore(one, { table })
  await store.write('shop', batch)
  const cut = proxy.cutAfter(containing('select name, value'))
  const refused = await failure(store.read('shop', [secretName]))
  await cut.met
  assert.equal(refused.code, 'READ_FAILED')
  assert.match(refused.message, /connection to it was lost/)
  assert.deepEqual(await store.read('shop', [secretName]), [secretValue])
  await one.end()
})

test.each([
  ['ours', {}, { longestAnswerMs: 300 }],
  ['the Pool’s own, which is shorter', { query_timeout: 300 }, {}],
])(
  'a connection that hangs is given up after a time, %s, so that a pool of one goes on',
  async (_, options, internals) => {
    const { hostname, port } = new URL(url)
    await using proxy = await TcpProxy.start({ host: hostname, port: Number(port) })
    const one = new pg.Pool({ connectionString: proxy.url(url), max: 1, ...options })
    const store = postgresStore(one, { table }, internals)
    await store.open()
    assert.equal(await store.write('shop', batch), true)
    const held = proxy.hold(containing('select name, value'))
    const refused = await failure(store.read('shop', [secretName]))
    assert.equal(held.size, 1)
    assert.equal(refused.code, 'READ_FAILED')
    assert.match(refused.message, /took too long/)
    assert.equal(store.isPermanent?.(refused), false)
    assert.deepEqual(await store.read('shop', [secretName]), [secretValue])
    assert.equal(one.totalCount, 1)
    held.drop()
    await one.end()
  },
)

test('parsers, formats and transforms of the caller’s do not matter', async () => {
  const strange = new pg.Pool({
    connectionString: url,
    max: 1,
    types: { getTypeParser: () => () => 'parsed' },
  })
  const binary = new pg.Pool({ connectionString: url, max: 1, binary: true } as pg.PoolConfig)
  const transformed = postgres(url, {
    max: 1,
    transform: { value: { from: () => 'changed' }, column: { from: postgres.fromKebab } },
    types: { text: { to: 25, from: [25], serialize: String, parse: () => 'parsed' } },
  })
  for (const client of [strange, binary, transformed]) {
    const store = postgresStore(client, { table })
    await store.open()
    assert.equal(await store.write('shop', [fence, { name: 'creds', value: 'ä "\\ {} NULL' }]), true)
    assert.equal(await store.write('shop', [{ name: 'x', value: 'NULL' }], [fence]), true)
    assert.equal(await store.write('shop', [{ name: 'x', value: 'no' }], [{ ...fence, value: 'g' }]), false)
    assert.deepEqual(await listed(store, 'shop'), { '!fence': 'f', creds: 'ä "\\ {} NULL', x: 'NULL' })
    await client.end()
  }
})

test('no error tells a value, a record’s name or a statement', async () => {
  await openStore(pool, { table }).then(store => store.write('shop', batch))
  await pool.query(`alter table ${table} add constraint short check (length(value) < 30)`)
  const sql = postgres(url, { max: 1, debug: true })
  const stores = [await openStore(pool, { table }), postgresStore(sql, { table })]
  await stores[1]?.open()
  const long = [{ name: secretName, value: `${secretValue}`.repeat(5) }]
  const told: unknown[] = []
  for (const store of stores) {
    told.push(await failure(store.write('shop', long)))
    told.push(await failure(store.write('shop', [{ name: secretName, value: `${secretValue}\0` }], [fence])))
    told.push(await failure(store.read('shop', [`${secretName}\0`])))
    const auth = usePostgresAuthState(pool, { session: 'shop', table, logger: false, retry: { forMs: 0 } })
    told.push(await failure(auth))
  }
  for (const error of told) {
    assert.ok(error instanceof Error)
    for (let one: unknown = error; one instanceof Error; one = one.cause) {
      const everything = `${inspect(one, { showHidden: true, depth: 9 })} ${JSON.stringify(one)} ${one.stack}`
      assert.doesNotMatch(everything, /49170123456|ratchet|insert into|select /)
    }
  }
  await sql.end({ timeout: 1 })
})

async function scopesOf(store: Store): Promise<string[]> {
  const scopes: string[] = []
  for await (const page of store.scopes()) scopes.push(...page)
  return scopes
}
