import assert from 'node:assert/strict'
import type pg from 'pg'
import postgres from 'postgres'
import { postgresStore } from '../../adapters/postgres.ts'
import { usePostgresAuthState } from '../../src/entries/postgres.ts'
import { TcpProxy } from '../proxy/tcp-proxy.ts'
import { sharedServer } from '../servers/shared-server.ts'
import { freshName, listed, openStore, testPool } from './postgres-tables.ts'

const { url } = await sharedServer('postgres')
const fence = { name: '!fence', value: 'f' }
const ids = (count: number) => Array.from({ length: count }, (_, at) => `id${at}`)

let table: string
let proxy: TcpProxy
let pool: pg.Pool

beforeEach(async () => {
  table = freshName()
  const { hostname, port } = new URL(url)
  proxy = await TcpProxy.start({ host: hostname, port: Number(port) })
  // One connection, warm: logging in is a dialogue of its own.
  pool = testPool(proxy.url(url), 1)
  await openStore(pool, { table })
})
afterEach(async () => {
  await pool.query(`drop table ${table}`)
  await pool.end()
  await proxy[Symbol.asyncDispose]()
})

const turns = async (run: () => Promise<unknown>) => (await proxy.during(run)).turns

/** A store with a session of 10,000 records. */
async function storeOfMany() {
  const store = await openStore(pool, { table })
  for (let from = 0; from < 10_000; from += 1_000)
    await store.write(
      'shop',
      ids(1_000).map(id => ({ name: `${from}-${id}`, value: 'x'.repeat(200) })),
    )
  return store
}

test('a whole session of 10,000 records is one round trip, and one that is larger comes in pages', async () => {
  const store = await storeOfMany()
  const listing = async (pageBytes: number) => {
    let records = 0
    for await (const page of store.list('shop', { values: true, pageBytes })) records += page.length
    assert.equal(records, 10_000)
  }
  assert.equal(await turns(() => listing(16 * 1024 * 1024)), 1)
  assert.ok((await turns(() => listing(1.5 * 1024 * 1024))) > 2)
})

test('that a session is too large to be read whole is found in two round trips', async () => {
  const store = await storeOfMany()
  const options = { values: true, pageBytes: 1.5 * 1024 * 1024, wholeOnly: true }
  const refused = () => assert.rejects(async () => store.list('shop', options)[Symbol.asyncIterator]().next())
  assert.equal(await turns(refused), 2)
  const empty = async () => assert.ok((await store.list('none', options)[Symbol.asyncIterator]().next()).done)
  assert.equal(await turns(empty), 2)
})

test('opening a store on a table that stands, a read and a guarded batch of any size are one round trip', async () => {
  const store = await openStore(pool, { table })
  assert.equal(await turns(() => openStore(pool, { table })), 1)
  await store.write('shop', [fence])
  for (const count of [1, 100, 1000]) {
    assert.equal(await turns(() => store.read('shop', ids(count))), 1)
    const changes = ids(count).map(name => ({ name, value: 'x'.repeat(200) }))
    assert.equal(await turns(() => store.write('shop', changes, [fence])), 1)
    assert.equal(await turns(() => store.write('shop', changes, [{ ...fence, value: 'no' }])), 1)
  }
  assert.equal(await turns(() => store.remove('shop', [fence])), 1)
  assert.deepEqual(await listed(store, 'shop'), {})
})

test('so they are through an auth state; a cached read is none, and neither is an idle session', async () => {
  const auth = await usePostgresAuthState(pool, {
    session: 'shop',
    table,
    logger: false,
    lease: { ttlMs: 60_000 },
    cache: { preload: false },
  })
  await auth.saveCreds()
  const { keys } = auth.state
  for (const count of [1, 812]) {
    const values = Object.fromEntries(ids(count).map(id => [`${count} ${id}`, Buffer.from(id)]))
    assert.equal(await turns(() => Promise.resolve(keys.set({ 'sender-key': values }))), 1)
    assert.equal(await turns(() => Promise.resolve(keys.get('sender-key', Object.keys(values)))), 0)
  }
  for (const count of [1, 100, 1000]) {
    const absent = ids(count).map(id => `${count} none ${id}`)
    assert.equal(await turns(() => Promise.resolve(keys.get('sender-key', absent))), 1)
    assert.equal(await turns(() => Promise.resolve(keys.get('sender-key', absent))), 0)
  }
  assert.equal(await turns(() => new Promise(resolve => setTimeout(resolve, 1000))), 0)
  await auth.close()
})

test('postgres.js asks for the parameters’ types first, so that a call is two round trips through it', async () => {
  const sql = postgres(proxy.url(url), { max: 1 })
  const store = postgresStore(sql, { table })
  await store.open()
  assert.equal(await turns(() => store.write('shop', [fence])), 2)
  assert.equal(await turns(() => store.read('shop', ids(100))), 2)
  await sql.end()
})

test('rule 3: a batch that is delivered late, after its own repetition and the next batch, changes nothing', async () => {
  const several = testPool(proxy.url(url), 4)
  const auth = await usePostgresAuthState(several, {
    session: 'shop',
    table,
    logger: false,
    lease: { ttlMs: 1000 },
    cache: { preload: false },
  })
  await auth.saveCreds()
  const held = proxy.hold(bytes => bytes.includes('older'))
  const first = auth.state.keys.set({ 'lid-mapping': { a: 'older' } })
  await held.met
  held.abandon()
  await first
  await auth.state.keys.set({ 'lid-mapping': { a: 'newer' } })
  await held.deliver()
  const direct = testPool(url, 1)
  const store = await openStore(direct, { table })
  assert.deepEqual(await store.read('shop', ['lid-mapping/a']), ['"newer"'])
  await auth.state.keys.set({ 'lid-mapping': { b: 'after' } })
  assert.deepEqual(await store.read('shop', ['lid-mapping/a', 'lid-mapping/b']), ['"newer"', '"after"'])
  await auth.close()
  await several.end()
  await direct.end()
})
