import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { useSqliteAuthState } from '../../src/entries/sqlite.ts'
import { built } from '../built.ts'
import { openStore, temporaryFolder } from './sqlite-folder.ts'

const batches = 300
let path: string
let remove: () => Promise<void>

beforeEach(async () => {
  const made = await temporaryFolder()
  remove = made.remove
  path = join(made.folder, 'bots.db')
})
afterEach(() => remove())

test('two processes write their sessions side by side, and everything is there', async () => {
  const sessions = ['one', 'other']
  await Promise.all(sessions.map(session => write(session, batches)))
  for (const session of sessions) {
    const auth = await useSqliteAuthState(path, { session, logger: false, lease: { waitMs: 0 } })
    const ids = Array.from({ length: batches }, (_, at) => String(at))
    const found = await auth.state.keys.get('sender-key', ids)
    for (const id of ids) assert.deepEqual(found[id], Buffer.from(`${session} ${id}`))
    await auth.close()
  }
})

test('six processes that open a new database at once all have it', async () => {
  await Promise.all(Array.from({ length: 6 }, (_, at) => write(`session ${at}`, 1)))
  const store = await openStore(path)
  const scopes: string[] = []
  for await (const page of store.scopes()) scopes.push(...page)
  assert.equal(scopes.length, 6)
  await store.close()
})

test('a second process on a session is kept out with an error that names the holder', async () => {
  const auth = await useSqliteAuthState(path, { session: 'mine', logger: false })
  await auth.saveCreds()
  await assert.rejects(write('mine', 1), error => {
    assert.match(String(Object(error).stderr), /SESSION_IN_USE/)
    assert.match(String(Object(error).stderr), new RegExp(`"mine" is in use by .*${process.pid}`))
    return true
  })
  await auth.close()
  await write('mine', 1)
})

async function write(session: string, count: number): Promise<void> {
  const child = built('test/adapters/children/sqlite-writer.ts')
  await promisify(execFile)(process.execPath, [child, path, session, String(count)])
}
