import assert from 'node:assert/strict'
import * as baileys from '@whiskeysockets/baileys'
import { createPool as createCallbackPool } from 'mysql2'
import { createPool, createPoolCluster } from 'mysql2/promise'
import {
  type MySQLCallbackPool,
  type MySQLPool,
  mysqlStore,
  useMySQLAuthState,
} from '../../src/entries/mysql.ts'
import { fenceName } from '../../src/names.ts'
import { freshTable, sharedUrl } from './mysql-backend.ts'

interface Client {
  readonly client: MySQLPool | MySQLCallbackPool
  end(): Promise<unknown>
}

const clients: { readonly [name: string]: () => Client } = {
  'mysql2/promise': () => {
    const client = createPool(sharedUrl)
    return { client, end: () => client.end() }
  },
  'mysql2/promise, a pool of one': () => {
    const client = createPool({ uri: sharedUrl, connectionLimit: 1 })
    return { client, end: () => client.end() }
  },
  'mysql2 with callbacks': () => {
    const client = createCallbackPool(sharedUrl)
    return { client, end: () => client.promise().end() }
  },
  'mysql2 with callbacks, wrapped': () => {
    const client = createCallbackPool(sharedUrl).promise()
    return { client, end: () => client.end() }
  },
  'mysql2/promise, a cluster of one': () => {
    const cluster = createPoolCluster()
    cluster.add('primary', { uri: sharedUrl })
    return { client: cluster.of('primary'), end: () => cluster.end() }
  },
}

describe.each(Object.entries(clients))('%s', (_, make) => {
  test('opens, writes, reads, lists, takes over and removes', async () => {
    const { client, end } = make()
    const table = freshTable()
    const store = mysqlStore(client, { table })
    await store.open()
    const old = { name: fenceName, value: 'old' }
    const creds = { name: 'creds', value: '{"emoji":"😀"}' }
    assert.equal(await store.write('s', [old, creds], [{ ...old, value: undefined }]), true)
    assert.deepEqual(await store.read('s', ['creds', 'none']), [creds.value, undefined])
    assert.equal(await store.write('s', [{ ...old, value: 'new' }], [old]), true)
    assert.equal(await store.write('s', [{ ...creds, value: 'late' }], [old]), false)
    assert.deepEqual(await pagesOf(store.list('s', { values: true })), [{ ...old, value: 'new' }, creds])
    assert.deepEqual(await pagesOf(store.scopes()), ['s'])
    assert.equal(await store.remove('s', [old]), false)
    assert.equal(await store.remove('s', [{ ...old, value: 'new' }]), true)
    assert.deepEqual(await pagesOf(store.scopes()), [])
    await store.close()
    await end()
    await drop(table)
  })
})

test('one pool is one store, however often it is wrapped', async () => {
  const pool = createCallbackPool(sharedUrl)
  const table = freshTable()
  const [first, ...others] = [pool, pool.promise(), pool.promise()].map(
    client => mysqlStore(client, { table }).identity,
  )
  for (const identity of others) assert.ok(identity.every((item, index) => item === first?.[index]))
  assert.notDeepEqual(mysqlStore(pool, { table: 'other' }).identity[2], first?.[2])
  const options = { session: 'shop', table, logger: false, baileys, lease: { waitMs: 0 } } as const
  const one = await useMySQLAuthState(pool.promise(), options)
  const two = await useMySQLAuthState(pool.promise(), options)
  assert.equal(one.state.creds, two.state.creds)
  await two.close()
  await pool.promise().query('drop table ??', [table])
  await pool.promise().end()
})

test('the caller’s pool stays open, and is given back all that it lent', async () => {
  const pool = createPool({ uri: sharedUrl, connectionLimit: 2 })
  const table = freshTable()
  const auth = await useMySQLAuthState(pool, { session: 'shop', table, logger: false, baileys })
  await auth.state.keys.set({ 'lid-mapping': { a: '1' } })
  await auth.close()
  const [one, two] = [await pool.getConnection(), await pool.getConnection()]
  await one.query('drop table ??', [table])
  one.release()
  two.release()
  await pool.end()
})

async function drop(table: string): Promise<void> {
  const pool = createPool(sharedUrl)
  await pool.query('drop table ??', [table])
  await pool.end()
}

async function pagesOf<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const found: T[] = []
  for await (const page of pages) found.push(...page)
  return found
}
