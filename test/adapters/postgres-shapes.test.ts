import assert from 'node:assert/strict'
import postgres from 'postgres'
import { usePostgresAuthState } from '../../src/entries/postgres.ts'
import { sharedServer } from '../servers/shared-server.ts'
import { storeSuite } from '../suite/index.ts'
import { postgresBackend } from './postgres-backend.ts'
import { freshName, listed, openStore, testPool } from './postgres-tables.ts'

// The whole of what a store must do, on a table in partitions, through a pooler that gives every statement another
// connection, and through the other driver.
const patientTest = (name: string, run: () => Promise<void>) => test(name, run, 60_000)
for (const shape of [{ partitions: 4 }, { server: 'pgbouncer' }, { driver: 'postgres.js' }] as const) {
  storeSuite({ test: patientTest, backend: await postgresBackend(shape) })
}

const bouncer = await sharedServer('pgbouncer')

test.each([
  ['a Pool', () => testPool(bouncer.url, 8)],
  ['postgres.js', () => postgres(bouncer.url, { max: 8, prepare: false })],
])('a session lives through PgBouncer with %s: it is saved, taken over and removed', async (_, connect) => {
  const table = freshName()
  const [client, other] = [connect(), connect()]
  const options = { session: 'shop', table, logger: false } as const
  const auth = await usePostgresAuthState(client, options)
  await auth.saveCreds()
  const ids = Array.from({ length: 812 }, (_, at) => `id${at}`)
  await Promise.all(ids.map(id => auth.state.keys.set({ 'lid-mapping': { [id]: id } })))
  const taker = await usePostgresAuthState(other, { ...options, lease: { onHeld: 'takeOver' } })
  assert.equal(taker.state.creds.advSecretKey, auth.state.creds.advSecretKey)
  const found = await taker.state.keys.get('lid-mapping', ids)
  for (const id of ids) assert.equal(found[id], id)
  await assert.rejects(Promise.resolve(auth.state.keys.set({ 'lid-mapping': { id0: 'late' } })), {
    code: 'LEASE_LOST',
  })
  await taker.remove()
  await auth.close().catch(() => {})
  const pool = testPool(bouncer.url, 1)
  assert.deepEqual(await listed(await openStore(pool, { table }), 'shop'), {})
  await pool.query(`drop table ${table}`)
  await Promise.all([client.end(), other.end(), pool.end()])
})
