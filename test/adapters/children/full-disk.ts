import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { folderScope, folderStore } from '../../../adapters/multi-file.ts'
import { isAuthStateError } from '../../../src/index.ts'

/** Fills a small file system, its mount point the argument, until a batch is refused; then makes it larger and goes on. */
const [disk = ''] = process.argv.slice(2)
const mine = [{ name: '!fence', value: 'mine' }]
const value = 'x'.repeat(10_000)

const store = folderStore(join(disk, 'auth'))
await store.open()
assert.ok(await store.write(folderScope, mine, [{ name: '!fence', value: undefined }]))

let landed = 0
await assert.rejects(
  async () => {
    for (; landed < 100; landed++) {
      assert.ok(await store.write(folderScope, [{ name: `pre-key/${landed}`, value }], mine))
    }
  },
  error => isAuthStateError(error) && error.code === 'WRITE_FAILED',
)
const names = Array.from({ length: landed }, (_, id) => `pre-key/${id}`)
const isAllThere = async () => (await store.read(folderScope, names)).every(text => text === value)
assert.ok(landed > 0 && (await isAllThere()))

execFileSync('mount', ['-o', 'remount,size=8m', disk])
assert.ok(await store.write(folderScope, [{ name: 'creds', value }], mine))
assert.ok(await isAllThere())
await store.close()
assert.equal(await readFile(join(disk, 'auth', 'pre-key-0.json'), 'utf8'), value)
