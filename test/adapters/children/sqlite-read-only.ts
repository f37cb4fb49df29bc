import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { sqliteStore } from '../../../adapters/sqlite.ts'
import { type AuthStateErrorCode, isAuthStateError } from '../../../src/index.ts'

/** Lets a file system, its mount point the argument, become read-only: with a database open, and before it is opened. */
const [disk = ''] = process.argv.slice(2)
const record = 'session/4915112345678.0'

/** On a rollback journal a database can be read where nothing can be written; WAL needs its index. */
const rollbackJournal = { fileSystemOf: () => 0x6969 }
const missing = sqliteStore(join(disk, 'missing.db'))
const missingFolder = sqliteStore(join(disk, 'missing', 'bots.db'))
const wal = sqliteStore(join(disk, 'wal.db'))
const journal = sqliteStore(join(disk, 'journal.db'), {}, rollbackJournal)
for (const store of [wal, journal]) {
  await store.open()
  assert.ok(await store.write('shop', [{ name: record, value: 'kept' }]))
}
await journal.close()
mkdirSync(join(disk, 'unused'))
// Data that is written through the mount must not keep it from becoming read-only.
await wal.close()
execFileSync('mount', ['-o', 'remount,ro', disk])

for (const store of [missing, missingFolder, wal]) {
  const refused = await failure(store.open(), 'STORE_UNUSABLE')
  assert.match(refused.message, /could not be opened: (its file system|it) is read-only/)
  assert.equal(store.isPermanent?.(refused), true)
}

await journal.open()
assert.deepEqual(await journal.read('shop', [record]), ['kept'])
const refused = await failure(journal.write('shop', [{ name: record, value: 'lost' }]), 'WRITE_FAILED')
assert.match(refused.message, /could not be written: it is read-only/)
assert.ok(refused.message.includes(join(disk, 'journal.db')))
assert.ok(!`${refused.message} ${JSON.stringify(refused)}`.includes('4915112345678'))
assert.equal(journal.isPermanent?.(refused), true)
assert.deepEqual(await journal.read('shop', [record]), ['kept'])
await journal.close()

async function failure(work: Promise<unknown>, code: AuthStateErrorCode) {
  try {
    await work
  } catch (error) {
    assert.ok(isAuthStateError(error), String(error))
    assert.equal(error.code, code, error.message)
    return error
  }
  throw new assert.AssertionError({ message: 'it did not fail' })
}
