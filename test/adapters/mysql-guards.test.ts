import assert from 'node:assert/strict'
import type { Pool, RowDataPacket } from 'mysql2/promise'
import { fenceName } from '../../src/names.ts'
import type { Store } from '../../src/store.ts'
import { connect, freshTable, openStore } from './mysql-backend.ts'

const levels = ['read uncommitted', 'read committed', 'repeatable read', 'serializable']

let table: string
let pools: Pool[]

beforeEach(() => {
  table = freshTable()
  pools = []
})
afterEach(async () => {
  const pool = connectAt()
  await pool.query('drop table if exists ??', [table])
  await Promise.all(pools.map(each => each.end()))
})

describe.each(levels)('at %s', level => {
  test('of 20 racing first openers exactly one wins, 20 rounds', async () => {
    const stores = await storesAt(level, 20)
    const deadlocks = await deadlocksDuring(async () => {
      for (let round = 0; round < 20; round++) {
        const scope = `s${round}`
        const won = await Promise.all(stores.map((store, index) => firstOpen(store, scope, index)))
        const winner = won.indexOf(true)
        assert.equal(won.filter(Boolean).length, 1)
        assert.deepEqual(await holdings(stores[0], scope), { [fenceName]: `${winner}`, creds: `${winner}` })
      }
    })
    assert.equal(deadlocks, 0)
  }, 60_000)

  test('a record that was removed counts as absent, for one of 20', async () => {
    const stores = await storesAt(level, 20)
    const [first] = stores
    for (let round = 0; round < 10; round++) {
      const scope = `s${round}`
      await first?.write(scope, [
        { name: 'creds', value: 'old' },
        { name: 'lock', value: 'held' },
      ])
      await first?.write(scope, [{ name: 'lock', value: undefined }])
      const won = await Promise.all(
        stores.map((store, index) =>
          store.write(
            scope,
            [
              { name: 'lock', value: `${index}` },
              { name: 'creds', value: `${index}` },
            ],
            [{ name: 'lock', value: undefined }],
          ),
        ),
      )
      assert.equal(won.filter(Boolean).length, 1)
      const winner = `${won.indexOf(true)}`
      assert.deepEqual(await holdings(first, scope), { lock: winner, creds: winner })
    }
  }, 60_000)

  test('take-overs under load: no deadlock, and no write of a former owner lands', async () => {
    const stores = await storesAt(level, 9)
    const [reader] = stores
    let fence = 'owner 0'
    await reader?.write('s', [{ name: fenceName, value: fence }])
    const until = performance.now() + 2_500
    const landed = new Map<string, number>()
    const writers = stores.slice(1, 7).map(async (store, index) => {
      while (performance.now() < until) {
        const mine = fence
        const changes = Array.from({ length: 20 }, (_, number) => ({
          name: `r${(number * 7 + index) % 30}`,
          value: mine,
        }))
        const unique = Array.from(new Map(changes.map(change => [change.name, change])).values())
        const isOurs = await store.write('s', unique, [{ name: fenceName, value: mine }])
        landed.set(String(isOurs), (landed.get(String(isOurs)) ?? 0) + 1)
      }
    })
    const takers = stores.slice(7).map(async (store, index) => {
      for (let number = 1; performance.now() < until; number++) {
        const before = fence
        const mine = `owner ${index}/${number}`
        const isMine = await store.write(
          's',
          [
            { name: fenceName, value: mine },
            { name: 'taken', value: mine },
          ],
          [{ name: fenceName, value: before }],
        )
        if (!isMine) continue
        // Nobody else can have the fence now, so what lies there is what was written before.
        fence = mine
        await new Promise(resolve => setTimeout(resolve, 20))
      }
    })
    const deadlocks = await deadlocksDuring(() => Promise.all([...writers, ...takers]))
    assert.equal(deadlocks, 0)
    assert.ok(Number(landed.get('true')) > 20 && Number(landed.get('false')) > 0, JSON.stringify([...landed]))
    // Whatever landed, did so under the fence that stood then: the last taker's word is older than no write.
    const held = await holdings(reader, 's')
    assert.equal(held.taken, held[fenceName])
  }, 60_000)

  test('while a take-over is not committed a write of the old owner waits, and fails with its commit', async () => {
    const [store] = await storesAt(level, 1)
    await store?.write('s', [
      { name: fenceName, value: 'old' },
      { name: 'a', value: '1' },
    ])
    const taker = await connectAt().getConnection()
    await taker.beginTransaction()
    await taker.query("update ?? set value = 'new' where scope = 's' and name = ?", [table, fenceName])
    const order: string[] = []
    const late = store
      ?.write('s', [{ name: 'a', value: '2' }], [{ name: fenceName, value: 'old' }])
      .finally(() => order.push('written'))
    await Promise.race([lockWaits(), late])
    order.push('commits')
    await taker.commit()
    taker.release()
    assert.equal(await late, false)
    assert.deepEqual(order, ['commits', 'written'])
    assert.deepEqual(await holdings(store, 's'), { [fenceName]: 'new', a: '1' })
  })

  test('what is not committed is not read', async () => {
    const [store] = await storesAt(level, 1)
    await store?.write('s', [
      { name: 'a', value: '1' },
      { name: 'b', value: '1' },
    ])
    const writer = await connectAt().getConnection()
    await writer.beginTransaction()
    await writer.query("update ?? set value = '2' where name = 'b'", [table])
    const read = store?.read('s', ['a', 'b'])
    // Where it waits for the other's end, that end comes.
    await new Promise(resolve => setTimeout(resolve, 50))
    await writer.rollback()
    writer.release()
    assert.deepEqual(await read, ['1', '1'])
  })
})

describe.each([['FOUND_ROWS'], ['-FOUND_ROWS']])('with the flag %s', flag => {
  test('a guard holds or not by itself: a batch that changes nothing has landed, again and again', async () => {
    const pool = connectAt({ flags: [flag] })
    const store = await openStore(pool, { table })
    const batch = [
      { name: fenceName, value: 'f' },
      { name: 'a', value: '1' },
      { name: 'gone', value: undefined },
    ]
    assert.equal(await store.write('s', batch, [{ name: fenceName, value: undefined }]), true)
    for (let time = 0; time < 3; time++) {
      assert.equal(await store.write('s', batch, [{ name: fenceName, value: 'f' }]), true)
      assert.equal(await store.write('s', batch, [{ name: fenceName, value: 'g' }]), false)
    }
    assert.equal(await store.remove('s', [{ name: fenceName, value: 'g' }]), false)
    assert.equal(await store.remove('s', [{ name: fenceName, value: 'f' }]), true)
    assert.equal(await store.remove('s', [{ name: fenceName, value: 'f' }]), false)
    assert.equal(await store.remove('s', [{ name: fenceName, value: undefined }]), true)
  })
})

test('guards compare texts exactly: case, accents, spaces at the end and the empty text', async () => {
  const store = await openStore(connectAt(), { table })
  for (const value of ['a', 'A', 'a ', 'á', '', ' ', '😀', 'a\n']) {
    await store.write('s', [{ name: 'k', value }])
    for (const other of ['a', 'A', 'a ', 'á', '', ' ', '😀', 'a\n', undefined]) {
      const holds = await store.write('s', [{ name: 'x', value: 'x' }], [{ name: 'k', value: other }])
      assert.equal(holds, other === value, JSON.stringify([value, other]))
    }
  }
})

test('of several guards all must hold, in writes and removals, and one that fails leaves no row behind', async () => {
  const store = await openStore(connectAt(), { table })
  await store.write('s', [
    { name: 'a', value: '1' },
    { name: 'b', value: '2' },
  ])
  const a = { name: 'a', value: '1' }
  const b = { name: 'b', value: '2' }
  const nothing = { name: 'c', value: undefined }
  for (const guards of [
    [a, { ...b, value: '3' }],
    [{ ...a, value: undefined }, b],
    [a, b, { ...nothing, value: '' }],
  ]) {
    assert.equal(await store.write('s', [{ name: 'x', value: 'x' }], guards), false)
    assert.equal(await store.remove('s', guards), false)
  }
  const [rows] = await connectAt().query<RowDataPacket[]>('select name from ??', [table])
  assert.deepEqual(
    rows.map(({ name }) => name),
    ['a', 'b'],
  )
  assert.equal(await store.write('s', [{ name: 'x', value: 'x' }], [a, b, nothing]), true)
  assert.deepEqual(await holdings(store, 's'), { a: '1', b: '2', x: 'x' })
  assert.equal(await store.remove('s', [nothing, b, a]), true)
  assert.deepEqual(await holdings(store, 's'), {})
})

test('removed records keep a row until the session changes hands, and then none', async () => {
  const store = await openStore(connectAt(), { table })
  await store.write('s', [
    { name: fenceName, value: 'f' },
    { name: 'a', value: '1' },
    { name: 'b', value: '2' },
  ])
  await store.write('other', [{ name: 'a', value: '1' }])
  await store.write('s', [{ name: 'a', value: undefined }], [{ name: fenceName, value: 'f' }])
  await store.write('other', [{ name: 'a', value: undefined }])
  assert.equal(await rowCount(), 4)
  assert.deepEqual(await scopesOf(store), ['s'])
  assert.deepEqual(await store.read('s', ['a', 'b']), [undefined, '2'])
  await store.write('s', [{ name: fenceName, value: 'g' }], [{ name: fenceName, value: 'f' }])
  assert.equal(await rowCount(), 3)
  await store.write('!owners', [{ name: '!heartbeat/x', value: '1' }])
  await store.write(
    '!owners',
    [{ name: '!heartbeat/x', value: undefined }],
    [{ name: '!heartbeat/x', value: '1' }],
  )
  assert.equal(await rowCount(), 3)
  await store.remove('s')
  await store.remove('other')
  assert.equal(await rowCount(), 0)
})

function connectAt(options: Parameters<typeof connect>[0] = {}): Pool {
  const pool = connect(options)
  pools.push(pool)
  return pool
}

/** Stores on a connection each. */
async function storesAt(level: string, count: number): Promise<Store[]> {
  const made = Array.from({ length: count }, () => connectAt({ connectionLimit: 1 }))
  await Promise.all(made.map(pool => pool.query(`set session transaction isolation level ${level}`)))
  return Promise.all(made.map(pool => openStore(pool, { table })))
}

function firstOpen(store: Store, scope: string, index: number): Promise<boolean> {
  const changes = [
    { name: 'creds', value: `${index}` },
    { name: fenceName, value: `${index}` },
  ]
  return store.write(scope, changes, [{ name: fenceName, value: undefined }])
}

async function holdings(
  store: Store | undefined,
  scope: string,
): Promise<{ [name: string]: string | undefined }> {
  const found: { [name: string]: string | undefined } = {}
  for await (const page of store?.list(scope, { values: true }) ?? []) {
    for (const { name, value } of page) found[name] = value
  }
  return found
}

async function scopesOf(store: Store): Promise<readonly string[]> {
  const found: string[] = []
  for await (const page of store.scopes()) found.push(...page)
  return found
}

async function rowCount(): Promise<number> {
  const [[row] = []] = await connectAt().query<RowDataPacket[]>('select count(*) as count from ??', [table])
  return Number(row?.count)
}

/** How many deadlocks the server has found meanwhile. */
async function deadlocksDuring(run: () => Promise<unknown>): Promise<number> {
  const before = await deadlocks()
  await run()
  return (await deadlocks()) - before
}

async function deadlocks(): Promise<number> {
  const [[row] = []] = await connectAt().query<RowDataPacket[]>(
    "select count as count from information_schema.innodb_metrics where name = 'lock_deadlocks'",
  )
  return Number(row?.count)
}

/**
 * Resolves when some statement waits for a lock on the table. It looks four times a second: InnoDB shows a copy
 * of its list, and makes none anew while the last one was looked at less than 100 ms ago, however old that is.
 */
async function lockWaits(): Promise<void> {
  const pool = connectAt()
  for (;;) {
    const [rows] = await pool.query<RowDataPacket[]>(
      "select 1 from information_schema.innodb_trx where trx_state = 'LOCK WAIT' and instr(trx_query, ?) > 0",
      [table],
    )
    if (rows.length > 0) return
    await new Promise(resolve => setTimeout(resolve, 250))
  }
}
