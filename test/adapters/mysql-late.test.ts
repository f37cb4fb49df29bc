import assert from 'node:assert/strict'
import * as baileys from '@whiskeysockets/baileys'
import type { Pool, RowDataPacket } from 'mysql2/promise'
import { mysqlStore } from '../../adapters/mysql.ts'
import { useMySQLAuthState } from '../../src/entries/mysql.ts'
import { fenceName, recordName, scopeOf } from '../../src/names.ts'
import { containing, TcpProxy } from '../proxy/tcp-proxy.ts'
import { connect, failure, freshTable, openStore, sharedUrl } from './mysql-backend.ts'

const session = 'shop'
const options = { session, logger: false, baileys, retry: { forMs: 6_000 } } as const

let table: string
let proxy: TcpProxy
let pool: Pool
let direct: Pool

beforeEach(async () => {
  table = freshTable()
  const { hostname, port } = new URL(sharedUrl)
  proxy = await TcpProxy.start({ host: hostname, port: Number(port) })
  pool = connect({ uri: proxy.url(sharedUrl) })
  direct = connect()
})
afterEach(async () => {
  await pool.end()
  await proxy[Symbol.asyncDispose]()
  await direct.query('drop table if exists ??', [table])
  await direct.end()
})

test('a batch that stalled and is delivered after its repetition and after the next one changes nothing', async () => {
  const auth = await useMySQLAuthState(pool, { ...options, table })
  await auth.state.keys.set({ 'lid-mapping': { a: '0' } })
  const held = proxy.hold(containing('insert into'))
  const first = auth.state.keys.set({ 'lid-mapping': { a: '1' } })
  await held.met
  // The attempt is given up after a third of the patience, settled under a new token, and repeated.
  await first
  await auth.state.keys.set({ 'lid-mapping': { a: '2' } })
  await held.deliver()
  assert.equal(await stored('a'), '"2"')
  await auth.state.keys.set({ 'lid-mapping': { b: '3' } })
  assert.equal(await stored('b'), '"3"')
  await auth.close()
}, 60_000)

test('a batch whose answer is lost has landed once, and the session goes on', async () => {
  const auth = await useMySQLAuthState(pool, { ...options, table })
  const lost = proxy.cutAfter(containing('insert into'))
  await auth.state.keys.set({ 'lid-mapping': { a: '1' } })
  await lost.met
  await auth.state.keys.set({ 'lid-mapping': { a: '2' } })
  assert.equal(await stored('a'), '"2"')
  await auth.close()
}, 60_000)

test('a batch of a former owner that is delivered after a take-over changes nothing', async () => {
  const store = await openStore(pool, { table })
  const fence = { name: fenceName, value: 'old' }
  await store.write('s', [fence, { name: 'a', value: '1' }], [{ ...fence, value: undefined }])
  const held = proxy.hold(containing('insert into'))
  const late = store.write('s', [{ name: 'a', value: '2' }], [fence])
  await held.met
  const taker = await openStore(direct, { table })
  assert.equal(await taker.write('s', [{ ...fence, value: 'new' }], [fence]), true)
  await held.deliver()
  assert.equal(await late, false)
  assert.deepEqual(await taker.read('s', ['a', fenceName]), ['1', 'new'])
})

test('a connection that hangs is given up, so that a pool of one goes on', async () => {
  const one = connect({ uri: proxy.url(sharedUrl), connectionLimit: 1 })
  const store = mysqlStore(one, { table }, { longestAnswerMs: 2_000 })
  await store.open()
  assert.equal(await store.write('s', [{ name: 'a', value: '1' }]), true)
  const held = proxy.hold(containing('select cast'))
  const refused = await failure(store.read('s', ['a']))
  assert.equal(refused.code, 'READ_FAILED')
  assert.match(refused.message, /did not answer within 2 s/)
  assert.equal(store.isPermanent?.(refused), false)
  assert.deepEqual(await store.read('s', ['a']), ['1'])
  held.drop()
  await one.end()
})

async function stored(id: string): Promise<string> {
  const [[row] = []] = await direct.query<RowDataPacket[]>(
    'select convert(value using utf8mb4) as text from ?? where scope = ? and name = ?',
    [table, scopeOf(session), recordName('lid-mapping', id)],
  )
  return String(row?.text)
}
