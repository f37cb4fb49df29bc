import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import * as baileys from '@whiskeysockets/baileys'
import type { Pool, PoolOptions, RowDataPacket } from 'mysql2/promise'
import { type MySQLConnection, mysqlStore } from '../../adapters/mysql.ts'
import { useAuthState } from '../../src/auth-state.ts'
import { useMySQLAuthState } from '../../src/entries/mysql.ts'
import { fenceName } from '../../src/names.ts'
import type { Store } from '../../src/store.ts'
import { sealed } from '../../src/stores/sealed.ts'
import { startServer } from '../servers/start-server.ts'
import { connect, failure, freshTable, openStore } from './mysql-backend.ts'

/** What no error may carry. */
const secret = 'a-value-that-is-secret'
const person = 'session-4915112345678.0'

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

test('a session goes on through connections that are killed in the middle of its traffic', async () => {
  const pool = connectAt({ connectionLimit: 3 })
  const auth = await useMySQLAuthState(pool, { session: 'shop', table, logger: false, baileys })
  const killer = connectAt({ connectionLimit: 1 })
  const acknowledged: { [id: string]: string } = {}
  let isOver = false
  let kills = 0
  const killing = (async () => {
    while (!isOver) {
      const [rows] = await killer.query<RowDataPacket[]>(
        'select id from information_schema.processlist where id <> connection_id() and info like ?',
        [`%${table}%`],
      )
      for (const { id } of rows) {
        const isKilled = await killer.query(`kill ${Number(id)}`).then(
          () => true,
          () => false,
        )
        if (isKilled) kills += 1
      }
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  })()
  for (let number = 0; number < 1_000 && (kills < 5 || number < 50); number++) {
    const id = `n${number % 7}`
    const text = `${number} ${'x'.repeat(5_000)}`
    await auth.state.keys.set({ 'lid-mapping': { [id]: text } })
    acknowledged[id] = text
  }
  isOver = true
  await killing
  assert.ok(kills > 0, 'no connection was killed')
  await auth.close()
  const again = await useAuthState(await openStore(connectAt(), { table }), {
    session: 'shop',
    logger: false,
    baileys,
  })
  assert.deepEqual(
    { ...(await again.state.keys.get('lid-mapping', Object.keys(acknowledged))) },
    acknowledged,
  )
  await again.close()
}, 60_000)

test('a server that is gone is a passing failure, and what it acknowledged is there when it is back', async () => {
  await using server = await startServer('mysql')
  const pool = connectAt({ uri: server.url })
  const store = await openStore(pool, { table })
  assert.ok(await store.write('s', [{ name: 'a', value: '1' }]))
  await server.kill()
  for (const call of [store.read('s', ['a']), store.write('s', [{ name: 'a', value: '2' }])]) {
    assert.equal(store.isPermanent?.(await failure(call)), false)
  }
  await server.restart()
  // Connections that died with the server are found dead one by one.
  const read = (): Promise<(string | undefined)[]> => store.read('s', ['a']).catch(read)
  assert.deepEqual(await read(), ['1'])
}, 60_000)

test('a batch over max_allowed_packet is refused by that name, and the same pool goes on', async () => {
  await using server = await startServer('mysql')
  const pool = connectAt({ uri: server.url })
  await pool.query('set global max_allowed_packet = 1048576')
  const small = connectAt({ uri: server.url })
  const store = await openStore(small, { table })
  assert.equal(store.limits.batchBytes, 786_432)
  assert.equal(store.limits.readNames, 1_024)
  const fits = 'x'.repeat(780_000)
  assert.ok(await store.write('s', [{ name: 'a', value: fits }]))
  const refused = await failure(store.write('s', [{ name: 'a', value: 'y'.repeat(786_400) }]))
  assert.equal(refused.code, 'BATCH_TOO_LARGE')
  assert.match(refused.message, /max_allowed_packet/)
  assert.equal(store.isPermanent?.(refused), true)
  // Most are refused before they reach the store.
  for (const through of [store, sealed(store, { keys: { k1: new Uint8Array(32) } })]) {
    const auth = await useAuthState(through, { session: 'large', logger: false, baileys })
    const set = auth.state.keys.set({ 'sender-key': { a: Buffer.alloc(2_000_000) } })
    const error = await failure(Promise.resolve(set))
    assert.equal(error.code, 'BATCH_TOO_LARGE')
    assert.match(error.message, /max_allowed_packet/)
    await auth.remove()
  }
  const many = Array.from({ length: 25_000 }, (_, index) => ({ name: `${index}`, value: secret }))
  assert.equal((await failure(store.write('s', many))).code, 'BATCH_TOO_LARGE')
  // The server may have been given a lower limit since.
  await pool.query('set global max_allowed_packet = 65536')
  const lower = connectAt({ uri: server.url })
  let lending = small
  const late = await openStore({ getConnection: () => lending.getConnection() }, { table })
  lending = lower
  const tooLate = await failure(late.write('s', [{ name: 'a', value: fits }]))
  assert.match(tooLate.message, /max_allowed_packet/)
  assert.equal(tooLate.code, 'BATCH_TOO_LARGE')
  assert.deepEqual(await store.read('s', ['a']), [fits])
}, 60_000)

test('a connection that is lent in the middle of a transaction lands nothing, and is not lent again', async () => {
  const pool = connectAt({ connectionLimit: 1 })
  const store = await openStore(pool, { table })
  await store.write('s', [{ name: 'a', value: '1' }])
  const leaked = await pool.getConnection()
  await leaked.beginTransaction()
  leaked.release()
  const refused = await failure(store.write('s', [{ name: 'a', value: '2' }]))
  assert.equal(refused.code, 'WRITE_FAILED')
  assert.match(refused.message, /Commit or roll back/)
  assert.equal(store.isPermanent?.(refused), false)
  assert.deepEqual(await store.read('s', ['a']), ['1'])
  assert.ok(await store.write('s', [{ name: 'a', value: '3' }]))
  assert.deepEqual(await (await openStore(connectAt(), { table })).read('s', ['a']), ['3'])
})

test('autocommit that is turned off later lands nothing, and is for good', async () => {
  const pool = connectAt({ connectionLimit: 1 })
  const store = await openStore(pool, { table })
  await store.write('s', [{ name: 'a', value: '1' }])
  await pool.query('set autocommit = 0')
  for (const write of [() => store.write('s', [{ name: 'a', value: '2' }]), () => store.remove('s')]) {
    const refused = await failure(write())
    assert.equal(refused.code, 'STORE_UNUSABLE')
    assert.equal(store.isPermanent?.(refused), true)
    await pool.query('set autocommit = 0')
  }
  assert.deepEqual(await (await openStore(connectAt(), { table })).read('s', ['a']), ['1'])
})

test('a pool that was ended is told by name, for good', async () => {
  const pool = connect()
  const store = await openStore(pool, { table })
  await pool.end()
  const refused = await failure(store.read('s', ['a']))
  assert.equal(refused.code, 'STORE_UNUSABLE')
  assert.match(refused.message, /its pool was ended\. End the pool after the sessions\.$/)
})

test('a table that was dropped is never read as empty, and open makes a new one', async () => {
  const pool = connectAt()
  const store = await openStore(pool, { table })
  await store.write('s', [{ name: 'a', value: '1' }])
  await pool.query('drop table ??', [table])
  for (const call of [
    store.read('s', ['a']),
    store.write('s', [{ name: 'a', value: '2' }]),
    store.remove('s'),
  ]) {
    const refused = await failure(call)
    assert.equal(refused.code, 'STORE_UNUSABLE')
    assert.match(refused.message, /is not there/)
  }
  await store.open()
  assert.deepEqual(await store.read('s', ['a']), [undefined])
})

test('a lock that is not let go is a passing failure that changed nothing', async () => {
  const pool = connectAt({ connectionLimit: 1 })
  await pool.query('set innodb_lock_wait_timeout = 1')
  const store = await openStore(pool, { table })
  await store.write('s', [
    { name: fenceName, value: 'f' },
    { name: 'a', value: '1' },
  ])
  const holder = await connectAt().getConnection()
  await holder.beginTransaction()
  await holder.query('select * from ?? for update', [table])
  const refused = await failure(
    store.write('s', [{ name: 'a', value: '2' }], [{ name: fenceName, value: 'f' }]),
  )
  assert.equal(refused.code, 'WRITE_FAILED')
  assert.equal(store.isPermanent?.(refused), false)
  await holder.rollback()
  holder.release()
  assert.deepEqual(await store.read('s', ['a']), ['1'])
})

test('a text that was damaged by hand is RECORD_CORRUPT, and stays', async () => {
  const store = await openStore(connectAt(), { table })
  const auth = await useAuthState(store, { session: 'shop', logger: false, baileys })
  await auth.state.keys.set({ 'lid-mapping': { a: '1' } })
  await auth.close()
  await connectAt().query("update ?? set value = 0xff00fe where name like 'lid-mapping%'", [table])
  const again = await useAuthState(await openStore(connectAt(), { table }), {
    session: 'shop',
    logger: false,
    baileys,
  })
  assert.equal(
    (await failure(Promise.resolve(again.state.keys.get('lid-mapping', ['a'])))).code,
    'RECORD_CORRUPT',
  )
  await again.close()
})

test('no error carries a statement, a value or a record’s name', async () => {
  const store = await openStore(connectAt(), { table })
  await store.write('s', [{ name: person, value: secret }])
  const failures: unknown[] = []
  const collect = async (broken: Store) => {
    const change = { name: person, value: secret }
    failures.push(await failure(broken.read(person, [person])))
    failures.push(await failure(broken.write(person, [change])))
    failures.push(await failure(broken.write(person, [change], [change])))
    failures.push(await failure(broken.remove(person, [change])))
    failures.push(await failure(pagesOf(broken.list(person, { prefix: person, values: true }))))
    failures.push(await failure(pagesOf(broken.scopes(person))))
  }
  // The first two make the server quote what it was given.
  for (const breakage of [
    'alter table ?? modify value int',
    'alter table ?? modify name varchar(5) character set ascii collate ascii_bin not null',
    'alter table ?? drop column value',
    'drop table ??',
  ]) {
    const pool = connectAt({ connectionLimit: 1 })
    const broken = await openStore(pool, { table })
    await pool.query("set sql_mode = 'STRICT_ALL_TABLES'")
    await pool.query('delete from ??', [table])
    await pool.query(breakage, [table])
    if (breakage.includes('drop')) await collect(broken)
    else failures.push(await failure(broken.write('s', [{ name: person, value: secret }])))
    await pool.query('drop table if exists ??', [table])
  }
  const encoded = [secret, person].flatMap(text => [
    text,
    Buffer.from(text).toString('base64').slice(0, 12),
    Buffer.from(text).toString('hex'),
  ])
  assert.ok(failures.length >= 10)
  for (const error of failures) {
    const everything = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)
    for (const text of encoded) assert.ok(!everything.includes(text), everything)
    assert.ok(!/insert into|select cast/i.test(everything), everything)
  }
})

test('what is no pool is told so at the call', async () => {
  const connection = await connectAt().getConnection()
  for (const client of [
    connection,
    connection.connection,
    undefined,
    null,
    {},
    'mysql://x',
    Promise.resolve(connectAt()),
  ]) {
    // What JavaScript's callers may pass.
    const pool = client as unknown as Pool
    assert.throws(() => mysqlStore(pool), /TypeError.*needs a pool of mysql2/s)
    await assert.rejects(useMySQLAuthState(pool, { session: 'shop' }), TypeError)
  }
  connection.release()
})

test('a programmer’s error is passed on as it is, and is final', async () => {
  const pool = connectAt()
  let lends: () => Promise<MySQLConnection> = () => pool.getConnection()
  const store = await openStore({ getConnection: () => lends() }, { table })
  // As a pool of another client has it.
  lends = async () => Object({ release() {} })
  for (const call of [
    store.open(),
    store.read('s', ['a']),
    store.write('s', [{ name: 'a', value: '1' }]),
    store.remove('s'),
  ]) {
    const refused = await failure(call)
    assert.equal(refused.name, 'TypeError')
    assert.match(refused.message, /query is not a function/)
    assert.equal(store.isPermanent?.(refused), true)
  }
})

test('a session’s name is required, and options are known', async () => {
  const pool = connectAt()
  // What JavaScript's callers may pass.
  const wrong = [{}, { session: '' }, { session: 'a', tabel: 'x' }, undefined] as unknown as {
    session: string
  }[]
  for (const options of wrong) await assert.rejects(useMySQLAuthState(pool, options), TypeError)
})

async function pagesOf(pages: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of pages);
}

function connectAt(options: PoolOptions = {}): Pool {
  const pool = connect(options)
  pools.push(pool)
  return pool
}
