import assert from 'node:assert/strict'
import type pg from 'pg'
import type { PgQuery } from '../../adapters/postgres.ts'
import { postgresSchema, postgresStore } from '../../adapters/postgres.ts'
import type { Store } from '../../src/store.ts'
import { sharedServer } from '../servers/shared-server.ts'
import { freshName, openStore, testPool } from './postgres-tables.ts'

const { url } = await sharedServer('postgres')
const sessions = 2000
const records = 1000

let pool: pg.Pool
let table: string
let parts: string

beforeAll(async () => {
  pool = testPool(url)
  table = freshName()
  parts = freshName()
  await pool.query(postgresSchema({ table }))
  await pool.query(postgresSchema({ table: parts, partitions: 4 }))
  await pool.query(
    `insert into ${table} select 'session-' || s, 'pre-key/' || r, 'value'
     from generate_series(1, ${sessions}) s, generate_series(1, ${records}) r`,
  )
  for (const name of [table, parts]) {
    const store = await openStore(pool, { table: name })
    await store.write('mine', own())
  }
  await pool.query(`vacuum analyze ${table}`)
})
afterAll(async () => {
  await pool.query(`drop table ${table}, ${parts}`)
  await pool.end()
})

const fence = { name: '!fence', value: 'f' }
const names = (count: number) => Array.from({ length: count }, (_, at) => `pre-key/${at}`)
const own = () => [fence, ...names(1000).map(name => ({ name, value: 'mine' }))]

interface Work {
  readonly run: (store: Store) => Promise<unknown>
  /** At most so many rows of the table are looked at, and so many pages of it and its index, however often. */
  readonly rows: number
  readonly pages: number
}

const work: { readonly [name: string]: Work } = {
  'a read of one record': { run: store => store.read('mine', ['pre-key/7']), rows: 1, pages: 6 },
  'a read of a hundred records': { run: store => store.read('mine', names(100)), rows: 100, pages: 500 },
  'a read of records that are not there': {
    run: store => store.read('mine', ['none', 'neither']),
    rows: 0,
    pages: 10,
  },
  'a guarded batch of one': {
    run: store => store.write('mine', [{ name: 'pre-key/7', value: 'new' }], [fence]),
    rows: 3,
    pages: 60,
  },
  'a guarded batch of a hundred, with removals': {
    run: store =>
      store.write(
        'mine',
        names(100).map((name, at) => ({ name, value: at % 2 ? 'new' : undefined })),
        [fence],
      ),
    rows: 200,
    pages: 1500,
  },
  'a batch whose guard does not hold': {
    run: store => store.write('mine', own().slice(1), [{ name: '!fence', value: 'old' }]),
    rows: 3,
    pages: 20,
  },
  'the first batch of a new session': {
    run: store =>
      store.write('new', [fence, { name: 'creds', value: 'c' }], [{ name: '!fence', value: undefined }]),
    rows: 0,
    pages: 60,
  },
  'a list of a prefix': {
    run: store => all(store.list('mine', { prefix: 'pre-key/1' })),
    rows: 112,
    pages: 150,
  },
  'a list with values': { run: store => all(store.list('mine', { values: true })), rows: 1002, pages: 1200 },
  'a removal': { run: store => store.remove('mine', [fence]), rows: 3005, pages: 7000 },
}

test.each(Object.entries(work))(
  '%s touches what it is asked for, in a table of two million',
  async (_, { run, rows, pages }) => {
    const sum = { rows: 0, pages: 0 }
    for (const statement of await measured(table, run)) {
      assert.deepEqual(statement.scans, [], `it walks over ${statement.scans.join(', ')}`)
      sum.rows += statement.rows
      sum.pages += statement.pages
    }
    assert.ok(sum.rows <= rows, `${sum.rows} rows`)
    assert.ok(sum.pages <= pages, `${sum.pages} pages`)
  },
)

test('opening looks at the catalog only', async () => {
  const [statement, ...others] = await measured(table, store => store.open())
  assert.deepEqual(others, [])
  assert.deepEqual(statement?.tables, [])
})

test('scopes cost a look or two at the index each, whatever they hold', async () => {
  const [first] = await measured(table, async store => {
    for await (const _ of store.scopes('session-1')) break
  })
  assert.deepEqual(first?.scans, [])
  assert.ok((first?.rows ?? 0) <= 1001, `${first?.rows} rows`)
  assert.ok((first?.pages ?? 0) < 500 * 12, `${first?.pages} pages`)
  const found: string[] = []
  for await (const page of (await openStore(pool, { table })).scopes('session-')) found.push(...page)
  assert.equal(found.length, sessions)
})

test('statements on one session look into one partition', async () => {
  for (const [name, { run }] of Object.entries(work)) {
    const plans = await measured(parts, run)
    const touched = new Set(plans.flatMap(({ tables }) => tables))
    assert.ok(touched.size <= (name.includes('new session') ? 2 : 1), `${name}: ${[...touched].join(', ')}`)
  }
})

test('a record that is written again and again stays on its page, and no index changes', async () => {
  const hot = freshName()
  const store = await openStore(pool, { table: hot })
  await store.write('shop', [fence, { name: 'creds', value: 'x'.repeat(1500) }])
  for (let round = 0; round < 200; round++) {
    await store.write('shop', [{ name: 'creds', value: `${round}`.padEnd(1500, 'y') }], [fence])
  }
  let row = { n_tup_upd: '0', n_tup_hot_upd: '0' }
  // The numbers come a little later.
  for (let look = 0; look < 50 && Number(row.n_tup_upd) < 400; look++) {
    await new Promise(resolve => setTimeout(resolve, 100))
    const { rows } = await pool.query(
      'select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = $1',
      [hot],
    )
    row = rows[0]
  }
  assert.equal(Number(row.n_tup_upd), 400, 'the record and its fence, each time')
  assert.ok(Number(row.n_tup_hot_upd) > 390, `${row.n_tup_hot_upd} of ${row.n_tup_upd}`)
  await pool.query(`drop table ${hot}`)
})

interface Measured {
  /** Pages of the table and its index that were looked at, however often; some are counted twice. */
  readonly pages: number
  /** Rows of the table that were looked at, whether they were wanted or not. */
  readonly rows: number
  /** Tables that were walked over from end to end. */
  readonly scans: readonly string[]
  readonly tables: readonly string[]
}

/** What each statement of `run` did, which is undone. */
async function measured(name: string, run: (store: Store) => Promise<unknown>): Promise<Measured[]> {
  const client = await pool.connect()
  const found: Measured[] = []
  const explaining = {
    async query(asked: PgQuery) {
      await client.query('begin')
      const text = `explain (analyze, buffers, format json) ${asked.text}`
      const explained = await client.query({ text, values: asked.values })
      found.push(measure(explained.rows[0]['QUERY PLAN'][0].Plan, name))
      await client.query('rollback')
      return client.query(asked)
    },
  }
  const store = postgresStore(explaining, { table: name })
  await store.open()
  found.length = 0
  await run(store)
  client.release()
  await openStore(pool, { table: name }).then(async own => {
    await own.write('mine', [fence, ...names(1000).map(each => ({ name: each, value: 'mine' }))])
    await own.remove('new')
  })
  return found
}

interface Plan {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly 'Shared Hit Blocks': number
  readonly 'Shared Read Blocks': number
  readonly Plans?: readonly Plan[]
}

function measure(plan: Plan, name: string): Measured {
  const nodes = nodesOf(plan).filter(node => node['Actual Loops'] > 0)
  const own = nodes.filter(node => node['Relation Name']?.startsWith(name))
  const scans = own.filter(node => node['Node Type'] !== 'ModifyTable')
  const locks = nodes.filter(node => node['Node Type'] === 'LockRows')
  return {
    pages: sumOf([...own, ...locks], node => node['Shared Hit Blocks'] + node['Shared Read Blocks']),
    rows: sumOf(scans, node => {
      const left = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)
      return (node['Actual Rows'] + left) * node['Actual Loops']
    }),
    scans: namesOf(scans.filter(node => node['Node Type'] === 'Seq Scan')),
    tables: namesOf(scans),
  }
}

function sumOf(nodes: readonly Plan[], value: (node: Plan) => number): number {
  return nodes.reduce((sum, node) => sum + value(node), 0)
}

function namesOf(nodes: readonly Plan[]): string[] {
  return nodes.map(node => node['Relation Name'] ?? '')
}

function nodesOf(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)]
}

async function all(pages: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of pages);
}
