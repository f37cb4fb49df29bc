import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { sqliteStore } from '../../../adapters/sqlite.ts'
import { isAuthStateError } from '../../../src/index.ts'

/** Fills a small file system, its mount point the argument, until a batch is refused; then makes it larger and goes on. */
const [disk = ''] = process.argv.slice(2)
const value = 'x'.repeat(10_000)

for (const [folder, fileSystem] of [
  ['wal', 0xef53],
  ['rollback-journal', 0x6969],
] as const) {
  execFileSync('mount', ['-o', 'remount,size=512k', disk])
  const path = join(disk, folder, 'bots.db')
  const store = sqliteStore(path, {}, { fileSystemOf: () => fileSystem })
  await store.open()
  const mine = [{ name: '!fence', value: 'mine' }]
  assert.ok(await store.write('shop', mine, [{ name: '!fence', value: undefined }]))

  let landed = 0
  await assert.rejects(
    async () => {
      for (; landed < 100; landed++) {
        assert.ok(await store.write('shop', [{ name: `pre-key/${landed}`, value }], mine))
      }
    },
    error => {
      assert.ok(isAuthStateError(error))
      assert.equal(error.code, 'WRITE_FAILED')
      assert.match(error.message, /no space is left.*Make room/)
      assert.equal(store.isPermanent?.(error), false)
      return true
    },
  )
  const names = Array.from({ length: landed }, (_, id) => `pre-key/${id}`)
  const isAllThere = async () => (await store.read('shop', names)).every(text => text === value)
  assert.ok(landed > 0 && (await isAllThere()))

  execFileSync('mount', ['-o', 'remount,size=8m', disk])
  assert.ok(await store.write('shop', [{ name: 'creds', value }], mine))
  assert.ok(await isAllThere())
  await store.close()
  const again = sqliteStore(path)
  await again.open()
  assert.deepEqual(await again.read('shop', ['creds', ...names]), [value, ...names.map(() => value)])
  await again.close()
  execFileSync('rm', ['-r', join(disk, folder)])
}
