import assert from 'node:assert/strict'
import { manyFolders } from '../adapters/files-backend.ts'
import { withStores } from '../suite/cases.ts'

/* What the fuzzing has found, in the fewest calls. */

test('multi-file: a store that looked for a session before it was made finds it beside one that differs in case', async () => {
  const data = await manyFolders.create()
  try {
    await withStores(data, async ({ open }) => {
      const [owner, other] = [await open(), await open()]
      const fenced = (token: string) => [{ name: '!fence', value: token }]
      const absent = [{ name: '!fence', value: undefined }]
      assert.deepEqual(await other.read('shop', ['!fence']), [undefined])
      assert.equal(await owner.write('Shop', fenced('owner')), true)
      assert.equal(await owner.write('shop', fenced('owner'), absent), true)
      assert.deepEqual(await other.read('shop', ['!fence']), ['owner'])
      assert.equal(await other.write('shop', fenced('other'), absent), false, 'a session has two owners')
    })
  } finally {
    await data.drop()
  }
})
