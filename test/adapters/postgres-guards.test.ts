import assert from 'node:assert/strict'
import pg from 'pg'
import { postgresSchema } from '../../adapters/postgres.ts'
import type { Store } from '../../src/store.ts'
import { sharedServer } from '../servers/shared-server.ts'
import { freshName, listed, openStore, testPool } from './postgres-tables.ts'

const { url } = await sharedServer('postgres')
const fence = (value: string | undefined) => ({ name: '!fence', value })

let table: string
let pool: pg.Pool
let store: Store

beforeEach(async () => {
  table = freshName()
  pool = testPool(url, 24)
  store = await openStore(pool, { table })
})
afterEach(async () => {
  await pool.query(`drop table ${table}`)
  await pool.end()
})

test('rule 1: of twenty racing first openers exactly one wins, twenty times, and only its records are there', async () => {
  for (let round = 0; round < 20; round++) {
    const scope = `s${round}`
    const attempts = Array.from({ length: 20 }, (_, at) => {
      const mine = `owner ${at}`
      return store.write(
        scope,
        [fence(mine), { name: 'creds', value: mine }, { name: `session/${at}`, value: mine }],
        [fence(undefined)],
      )
    })
    const winners = (await Promise.all(attempts)).flatMap((hasWon, at) => (hasWon ? [at] : []))
    assert.equal(winners.length, 1)
    const mine = `owner ${winners[0]}`
    assert.deepEqual(await listed(store, scope), {
      '!fence': mine,
      creds: mine,
      [`session/${winners[0]}`]: mine,
    })
  }
})

test.each(['read committed', 'repeatable read', 'serializable'])(
  'rule 2: take-overs under load, in %s, never deadlock, and no old token writes',
  async isolation => {
    const options = `-c default_transaction_isolation=${isolation.replace(' ', '\\ ')}`
    const busy = new pg.Pool({ connectionString: url, max: 8, options })
    const loaded = await openStore(busy, { table })
    await loaded.write('shop', [fence('0'), { name: 'creds', value: '0' }])
    const endsAt = performance.now() + 2000
    const counts = { landed: 0, refused: 0, taken: 0 }
    let token = 0
    const until = async (work: (turn: number) => Promise<void>) => {
      for (let turn = 0; performance.now() < endsAt; turn++) {
        await work(turn).catch(error => assert.equal(Object(error.cause).code, '40001'))
      }
    }
    const write = (writer: number) =>
      until(async turn => {
        const [mine = ''] = await loaded.read('shop', ['!fence'])
        const names = Array.from({ length: 6 }, (_, at) => `session/${(at * (writer + 1) + turn) % 12}`)
        const changes = Array.from(new Set(names), (name, at) => ({ name, value: at % 3 ? mine : undefined }))
        const hasLanded = await loaded.write(
          'shop',
          [...changes, { name: 'creds', value: mine }],
          [fence(mine)],
        )
        counts[hasLanded ? 'landed' : 'refused'] += 1
      })
    const take = () =>
      until(async () => {
        const [old] = await loaded.read('shop', ['!fence'])
        token += 1
        if (await loaded.write('shop', [fence(String(token))], [fence(old)])) counts.taken += 1
        const [mine, creds] = await loaded.read('shop', ['!fence', 'creds'])
        // Tokens only grow, so creds of a later one than the fence's would have been written by nobody who held it.
        assert.ok(Number(creds) <= token && Number(mine) <= token)
        await new Promise(resolve => setTimeout(resolve, 5))
      })
    const before = await deadlocks()
    await Promise.all([write(0), write(1), write(2), write(3), take(), take()])
    assert.equal(await deadlocks(), before)
    // With the last token gone, nobody who held an older one can write.
    const [last = ''] = await loaded.read('shop', ['!fence'])
    assert.equal(await loaded.write('shop', [fence('end')], [fence(last)]), true)
    assert.equal(await loaded.write('shop', [{ name: 'creds', value: 'late' }], [fence(last)]), false)
    for (const [what, count] of Object.entries(counts)) assert.ok(count > 5, `${what} ${count} times only`)
    await busy.end()
  },
)

test('rule 2: a write by the old owner waits for a take-over that is not committed yet, and then is refused', async () => {
  await store.write('shop', [
    fence('old'),
    { name: 'creds', value: 'kept' },
    { name: 'session/a', value: 'kept' },
  ])
  const taker = new pg.Client(url)
  await taker.connect()
  await taker.query('begin')
  await taker.query(`update ${table} set value = 'new' where scope = 'shop' and name = '!fence'`)
  const writes = [
    store.write('shop', [{ name: 'creds', value: 'late' }], [fence('old')]),
    store.write('shop', [{ name: 'session/a', value: undefined }], [fence('old')]),
    store.remove('shop', [fence('old')]),
  ]
  await waiting(3)
  await taker.query('commit')
  await taker.end()
  assert.deepEqual(await Promise.all(writes), [false, false, false])
  assert.deepEqual(await listed(store, 'shop'), { '!fence': 'new', creds: 'kept', 'session/a': 'kept' })
})

test('rule 2: the same write lands when the take-over is rolled back', async () => {
  await store.write('shop', [fence('old'), { name: 'creds', value: 'c' }])
  const taker = new pg.Client(url)
  await taker.connect()
  await taker.query('begin')
  await taker.query(`update ${table} set value = 'new' where scope = 'shop' and name = '!fence'`)
  const write = store.write('shop', [{ name: 'creds', value: 'mine' }], [fence('old')])
  await waiting(1)
  await taker.query('rollback')
  await taker.end()
  assert.equal(await write, true)
  assert.deepEqual(await listed(store, 'shop'), { '!fence': 'old', creds: 'mine' })
})

describe.each([
  ['one piece', undefined],
  ['partitions', 3],
])(
  'in a table of %s, a batch that waited for another with the same guard has seen what that one wrote',
  (_, partitions) => {
    beforeEach(async () => {
      await pool.query(`drop table ${table}`)
      await pool.query(postgresSchema({ table, partitions }))
    })
    const holdUp = async (during: () => Promise<boolean>, text: string) => {
      await store.write('shop', [fence('mine'), { name: 'creds', value: 'c' }])
      const other = new pg.Client(url)
      await other.connect()
      await other.query('begin')
      // As a batch does it: the guard's record is written, if only as it is.
      await other.query(`update ${table} set value = value where scope = 'shop' and name = '!fence'`)
      await other.query(text)
      const landing = during()
      await waiting(1)
      await other.query('commit')
      await other.end()
      return landing
    }
    const insert = () => `insert into ${table} values ('shop', 'session/new', 'n')`

    test('a removal of a record that did not exist when it began', async () => {
      const remove = () => store.write('shop', [{ name: 'session/new', value: undefined }], [fence('mine')])
      assert.equal(await holdUp(remove, insert()), true)
      assert.deepEqual(await listed(store, 'shop'), { '!fence': 'mine', creds: 'c' })
    })

    test('a removal of the scope, guarded', async () => {
      assert.equal(await holdUp(() => store.remove('shop', [fence('mine')]), insert()), true)
      assert.deepEqual(await listed(store, 'shop'), {})
    })

    test('a removal of the scope, without a guard', async () => {
      assert.equal(await holdUp(() => store.remove('shop'), insert()), true)
      assert.deepEqual(await listed(store, 'shop'), {})
    })

    test('a guard on absence beside it', async () => {
      const write = () =>
        store.write(
          'shop',
          [{ name: 'creds', value: 'late' }],
          [fence('mine'), { name: 'session/new', value: undefined }],
        )
      assert.equal(await holdUp(write, insert()), false)
      assert.deepEqual(await listed(store, 'shop'), { '!fence': 'mine', creds: 'c', 'session/new': 'n' })
    })
  },
)

test('removals beside guarded batches leave all of a session or nothing', async () => {
  for (let round = 0; round < 30; round++) {
    const scope = `s${round}`
    await store.write(scope, [fence('mine'), { name: 'creds', value: 'c' }])
    const batch = (at: number) =>
      store.write(
        scope,
        [
          { name: `a/${at}`, value: 'x' },
          { name: `b/${at}`, value: 'x' },
        ],
        [fence('mine')],
      )
    const outcomes = await Promise.all([batch(0), batch(1), store.remove(scope), batch(2), batch(3)])
    assert.equal(outcomes[2], true)
    assert.deepEqual(await listed(store, scope), {})
  }
})

test('batches without a guard that write the same records in any order do not deadlock', async () => {
  const before = await deadlocks()
  const names = ['a', 'b', 'c', 'd', 'e']
  for (let round = 0; round < 40; round++) {
    const put = (value: string) => (name: string) => ({ name, value: `${value} ${round}` })
    await Promise.all([
      store.write(`s${round % 2}`, names.map(put('one'))),
      store.write(`s${round % 2}`, names.toReversed().map(put('other'))),
      store.write(`s${round % 2}`, ['c', 'e', 'a', 'd', 'b'].map(put('third'))),
    ])
    const found = Object.values(await listed(store, `s${round % 2}`))
    assert.equal(found.length, names.length)
    assert.equal(new Set(found).size, 1, 'a part of one batch is under a part of another')
  }
  assert.equal(await deadlocks(), before)
})

test('any number of guards, on any records, that the batch changes or not', async () => {
  await store.write('shop', [fence('f'), { name: 'creds', value: 'c' }, { name: 'x', value: 'x' }])
  const change = [{ name: 'creds', value: 'd' }]
  const cases: readonly [guards: readonly { name: string; value: string | undefined }[], holds: boolean][] = [
    [[fence('f'), { name: 'x', value: 'y' }], false],
    [[fence('f'), { name: 'x', value: undefined }], false],
    [[fence('f'), { name: 'none', value: 'y' }], false],
    [[fence('f'), fence('g')], false],
    [[fence('f'), fence(undefined)], false],
    [[{ name: 'creds', value: '' }], false],
    [
      [
        fence('f'),
        { name: 'x', value: 'x' },
        { name: 'creds', value: 'c' },
        { name: 'none', value: undefined },
      ],
      true,
    ],
    [
      [
        { name: 'none', value: undefined },
        { name: 'neither', value: undefined },
      ],
      true,
    ],
    [[fence('f'), fence('f'), { name: 'none', value: undefined }, { name: 'none', value: undefined }], true],
  ]
  for (const [guards, holds] of cases) {
    await store.write('shop', [{ name: 'creds', value: 'c' }])
    assert.equal(await store.write('shop', change, guards), holds, JSON.stringify(guards))
    assert.deepEqual(await listed(store, 'shop'), { '!fence': 'f', creds: holds ? 'd' : 'c', x: 'x' })
  }
})

test('of several absences that are guarded all must hold, also in a race, or nothing is there', async () => {
  for (let round = 0; round < 20; round++) {
    const attempts = Array.from({ length: 6 }, (_, at) => {
      const names = [`n/${at}`, `n/${at + 1}`]
      const changes = names.map(name => ({ name, value: String(at) }))
      return store.write(
        `s${round}`,
        changes,
        names.map(name => ({ name, value: undefined })),
      )
    })
    const landed = (await Promise.all(attempts)).flatMap((hasLanded, at) => (hasLanded ? [at] : []))
    const expected = Object.fromEntries(
      landed.flatMap(at => [
        [`n/${at}`, String(at)],
        [`n/${at + 1}`, String(at)],
      ]),
    )
    assert.ok(landed.length >= 1)
    assert.deepEqual(await listed(store, `s${round}`), expected)
  }
})

async function deadlocks(): Promise<number> {
  const admin = new pg.Client(url)
  await admin.connect()
  const { rows } = await admin.query(
    'select deadlocks from pg_stat_database where datname = current_database()',
  )
  await admin.end()
  return Number(rows[0].deadlocks)
}

/** Resolves when so many statements on the table wait for a lock. */
async function waiting(count: number): Promise<void> {
  for (;;) {
    const { rows } = await pool.query(
      `select count(*)::int as count from pg_stat_activity where wait_event_type = 'Lock' and query like $1`,
      [`%${table}%`],
    )
    if (rows[0].count >= count) return
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}
