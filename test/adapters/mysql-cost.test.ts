import assert from 'node:assert/strict'
import * as baileys from '@whiskeysockets/baileys'
import type { Pool, RowDataPacket } from 'mysql2/promise'
import type { AuthState } from '../../src/auth-state.ts'
import { mysqlStore, useMySQLAuthState } from '../../src/entries/mysql.ts'
import { connect, freshTable } from './mysql-backend.ts'

let table: string
let pool: Pool
let auth: AuthState

beforeEach(async () => {
  table = freshTable()
  // One connection, which the server can then be asked about.
  pool = connect({ connectionLimit: 1 })
  auth = await open()
})
afterEach(async () => {
  await auth.close()
  await pool.query('drop table if exists ??', [table])
  await pool.end()
})

test.each([1, 100, 1_000])('get of %d ids is one statement, and none from the cache', async count => {
  const ids = Array.from({ length: count }, (_, index) => `id-${index}`)
  await auth.state.keys.set({ 'lid-mapping': Object.fromEntries(ids.map(id => [id, `text of ${id}`])) })
  await auth.close()
  auth = await open()
  const get = () => auth.state.keys.get('lid-mapping', ids)
  assert.equal(await statementsDuring(async () => assert.equal(Object.keys(await get()).length, count)), 1)
  assert.equal(await statementsDuring(get), 0)
})

test('a whole session of 10,000 records is one statement', async () => {
  await auth.close()
  const store = mysqlStore(pool, { table })
  await store.open()
  for (let from = 0; from < 10_000; from += 1_000)
    await store.write(
      'shop',
      Array.from({ length: 1_000 }, (_, at) => ({ name: `session/${from + at}`, value: 'x'.repeat(200) })),
    )
  let records = 0
  const statements = await statementsDuring(async () => {
    for await (const page of store.list('shop', { values: true, pageBytes: 16 * 1024 * 1024 }))
      records += page.length
  })
  assert.equal(statements, 1)
  assert.ok(records > 10_000, 'with its creds and fence')
})

test('of a session that is too large to be read whole no more is read than was asked for, and the pool goes on', async () => {
  await auth.close()
  const store = mysqlStore(pool, { table })
  await store.open()
  for (let from = 0; from < 40_000; from += 2_000)
    await store.write(
      'shop',
      Array.from({ length: 2_000 }, (_, at) => ({ name: `session/${from + at}`, value: 'x'.repeat(1_000) })),
    )
  const list = (wholeOnly: boolean) =>
    store.list('shop', { values: true, pageBytes: 1024 * 1024, wholeOnly })[Symbol.asyncIterator]()
  const before = await status('Connections')
  await assert.rejects(list(true).next())
  assert.equal(await status('Connections'), before + 1)
  assert.equal((await list(false).next()).done, false)
  const [text] = await store.read('shop', ['session/39999'])
  assert.equal(text, 'x'.repeat(1_000))
})

test('rows of removed records go when a session is closed, and when it is opened after a kill', async () => {
  const rows = async () => {
    const [found] = await pool.query<RowDataPacket[]>('select name from ?? where value is null', [table])
    return found.length
  }
  await auth.state.keys.set({ 'lid-mapping': { a: '1', b: '2' } })
  await auth.state.keys.set({ 'lid-mapping': { a: null } })
  assert.equal(await rows(), 1)
  await auth.close()
  assert.equal(await rows(), 0)
  // As a process leaves them that never closes.
  await pool.query('update ?? set value = null where name like ?', [table, 'lid-mapping%'])
  assert.equal(await rows(), 1)
  auth = await open()
  assert.equal(await rows(), 0)
})

test('rows of removed records that stand beside others are not read with a whole session', async () => {
  const store = mysqlStore(pool, { table })
  await store.open()
  await store.write('shop', [
    { name: 'session/1', value: 'kept' },
    { name: 'session/2', value: 'removed' },
  ])
  await store.write('shop', [{ name: 'session/2', value: undefined }])
  const names: string[] = []
  for await (const page of store.list('shop', { values: true, pageBytes: 16 * 1024 * 1024 }))
    names.push(...page.map(({ name }) => name).filter(name => name.startsWith('session/')))
  assert.equal(String(names), 'session/1')
})

test.each([1, 812])('set of %d records is one statement, of new ones and of old', async count => {
  const keys = (mark: string) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, id) => [
        String(id),
        { public: Buffer.from(`public ${mark} ${id}`), private: Buffer.from(`private ${mark} ${id}`) },
      ]),
    )
  for (const mark of ['first', 'second']) {
    assert.equal(await statementsDuring(() => auth.state.keys.set({ 'pre-key': keys(mark) })), 1)
  }
})

test('removals are one statement, with what else changes', async () => {
  await auth.state.keys.set({ 'lid-mapping': { a: '1', b: '2' } })
  const remove = () => auth.state.keys.set({ 'lid-mapping': { a: null, b: '3' } })
  assert.equal(await statementsDuring(remove), 1)
})

test('an idle session sends nothing but a heartbeat a period', async () => {
  await auth.close()
  auth = await open(4_000)
  const count = await statementsDuring(() => new Promise(resolve => setTimeout(resolve, 4_000)))
  // Four periods, each a quarter of the ttl, give or take the first and the last, and what a busy machine holds up.
  assert.ok(count >= 2 && count <= 6, `${count} statements`)
})

test('no statement is prepared', async () => {
  const before = await status('Com_stmt_prepare')
  await auth.state.keys.set({ 'lid-mapping': { a: '1' } })
  await auth.state.keys.get('lid-mapping', ['b'])
  assert.equal(await status('Com_stmt_prepare'), before)
})

/** No heartbeat comes between, unless its period is asked for. */
function open(ttlMs: number = 3_600_000): Promise<AuthState> {
  return useMySQLAuthState(pool, {
    session: 'shop',
    table,
    logger: false,
    baileys,
    lease: { ttlMs },
    cache: { preload: false },
  })
}

/** How many statements the server got meanwhile. */
async function statementsDuring(work: () => Promise<unknown>): Promise<number> {
  const before = await status('Questions')
  await work()
  // The question itself is one.
  return (await status('Questions')) - before - 1
}

async function status(name: string): Promise<number> {
  const [[row] = []] = await pool.query<RowDataPacket[]>(`show session status like '${name}'`)
  return Number(row?.Value)
}
