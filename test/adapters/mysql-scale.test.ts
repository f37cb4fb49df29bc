import assert from 'node:assert/strict'
import * as baileys from '@whiskeysockets/baileys'
import type { Pool, RowDataPacket } from 'mysql2/promise'
import { useMySQLAuthState } from '../../src/entries/mysql.ts'
import { fenceName, scopeOf } from '../../src/names.ts'
import type { Store } from '../../src/store.ts'
import { connect, freshTable, openStore } from './mysql-backend.ts'

const others = 2_000
const records = 1_000
const own = 1_000

let empty: string
let full: string
let loader: Pool

beforeAll(async () => {
  loader = connect({ connectionLimit: 1 })
  empty = freshTable()
  full = freshTable()
  for (const table of [empty, full]) await openStore(loader, { table })
  await fill(full)
}, 300_000)
afterAll(async () => {
  await loader.query('drop table if exists ??, ??', [empty, full])
  await loader.end()
}, 60_000)

/** What a session does, and the most rows that the server may touch for it: of its own, never of others. */
const operations: readonly [
  name: string,
  most: number,
  run: (store: Store, scope: string) => Promise<unknown>,
][] = [
  ['a read of one', 3, (store, scope) => store.read(scope, ['r5'])],
  ['a read of a hundred', 400, (store, scope) => store.read(scope, named(100))],
  ['a read of a thousand', 4_000, (store, scope) => store.read(scope, named(1_000))],
  ['a read of what is not there', 3, (store, scope) => store.read(scope, ['none'])],
  ['a write of one', 40, (store, scope) => store.write(scope, changes(1), [fence('f')])],
  ['a write of 812', 8_000, (store, scope) => store.write(scope, changes(812), [fence('f')])],
  ['a write whose guard fails', 40, (store, scope) => store.write(scope, changes(1), [fence('x')])],
  ['a take-over', own * 3, (store, scope) => store.write(scope, [fence('f')], [fence('f')])],
  ['a list', own * 3, (store, scope) => all(store.list(scope, { values: true }))],
  ['a list by prefix', 400, (store, scope) => all(store.list(scope, { prefix: 'r10' }))],
  ['the scopes of a prefix', 10, (store, scope) => all(store.scopes(scope))],
  ['a removal', own * 4, (store, scope) => store.remove(scope, [fence('f')])],
]

test.each(operations)(
  '%s touches as many rows beside two million others as in an empty table, and at most %d',
  async (_, most, run) => {
    // In the middle of the others, before them and after them.
    for (const scope of [`s${others / 2}!own`, '!', '~']) {
      const alone = await rowsTouched(empty, scope, run)
      const among = await rowsTouched(full, scope, run)
      assert.ok(among <= most, `${among} rows`)
      // A search in a tree may begin on the row before.
      assert.ok(Math.abs(among - alone) <= 2 + alone * 0.02, `${alone} rows alone, ${among} among others`)
    }
  },
  120_000,
)

test('all scopes are found by a few rows each, whatever they hold', async () => {
  const pool = connect({ connectionLimit: 1 })
  const store = await openStore(pool, { table: full })
  const before = await touched(pool)
  const found = await all(store.scopes('s1'))
  const rows = (await touched(pool)) - before
  assert.equal(found, 1_000 + 111)
  assert.ok(rows <= found * 5, `${rows} rows for ${found} scopes`)
  await pool.end()
}, 120_000)

test('a session opens, sets, gets and closes by as many rows as in an empty table', async () => {
  const counts: number[] = []
  for (const table of [empty, full]) {
    const pool = connect({ connectionLimit: 1 })
    const options = { session: 'shop', table, logger: false, baileys } as const
    await (await useMySQLAuthState(pool, options)).close()
    const before = await touched(pool)
    const auth = await useMySQLAuthState(pool, options)
    await auth.state.keys.set({ 'lid-mapping': { a: '1' } })
    await auth.state.keys.get('lid-mapping', ['b'])
    await auth.close()
    counts.push((await touched(pool)) - before)
    assert.deepEqual(await all((await openStore(pool, { table })).scopes(scopeOf('shop'))), 1)
    await pool.end()
  }
  const [alone = 0, among = 0] = counts
  assert.ok(among <= alone + 10, `${alone} rows alone, ${among} among others`)
}, 120_000)

/** Two thousand sessions of a thousand records, made by the server itself. */
async function fill(table: string): Promise<void> {
  await loader.query('set session innodb_lock_wait_timeout = 50, unique_checks = 0')
  const digits =
    '(select 0 d union all select 1 union all select 2 union all select 3 union all select 4 union all select 5 union all select 6 union all select 7 union all select 8 union all select 9)'
  await loader.query(
    `create temporary table numbers (n int primary key) as select a.d + 10 * b.d + 100 * c.d as n from ${digits} a, ${digits} b, ${digits} c`,
  )
  await loader.query(
    'create temporary table sessions (s varchar(20) character set ascii collate ascii_bin primary key)',
  )
  await loader.query(
    "insert into sessions select concat('s', n) from numbers union all select concat('s', n + 1000) from numbers",
  )
  for (let first = 0; first < others; first += 500) {
    await loader.query(
      `insert into ?? (scope, name, value) select s, if(n = 0, ?, concat('r', n)), 'value' from (select s from sessions order by s limit 500 offset ${first}) x straight_join numbers order by s, 2`,
      [table, fenceName],
    )
  }
  const [[row] = []] = await loader.query<RowDataPacket[]>('select count(*) as count from ??', [table])
  assert.equal(Number(row?.count), others * records)
}

/** How many rows the server touches for an operation of a session with a thousand records. */
async function rowsTouched(
  table: string,
  scope: string,
  run: (store: Store, scope: string) => Promise<unknown>,
): Promise<number> {
  const pool = connect({ connectionLimit: 1 })
  const store = await openStore(pool, { table })
  await store.write(scope, [fence('f'), ...changes(own - 1)])
  const before = await touched(pool)
  await run(store, scope)
  const rows = (await touched(pool)) - before
  await store.remove(scope)
  await pool.end()
  return rows
}

async function touched(pool: Pool): Promise<number> {
  const [rows] = await pool.query<RowDataPacket[]>("show session status like 'Handler_%'")
  return rows
    .filter(({ Variable_name: name }) => /^Handler_(read_(?!rnd_deleted)|write|update|delete)/i.test(name))
    .reduce((sum, { Value: value }) => sum + Number(value), 0)
}

function named(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `r${index + 1}`)
}

function changes(count: number): { name: string; value: string }[] {
  return named(count).map(name => ({ name, value: `value of ${name}` }))
}

function fence(value: string): { name: string; value: string } {
  return { name: fenceName, value }
}

async function all(pages: AsyncIterable<readonly unknown[]>): Promise<number> {
  let count = 0
  for await (const page of pages) count += page.length
  return count
}
