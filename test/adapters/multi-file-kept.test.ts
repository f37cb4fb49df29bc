import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { useMultiFileAuthState } from '../../src/index.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authkit-kept-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test.each([
  ['5511.0', []],
  ['a:b', ['RECORDS_KEPT']],
  ['../../x', ['RECORDS_KEPT']],
])('close() counts what Baileys would not find: a session with the id %s', async (id, expected) => {
  const codes: unknown[] = []
  const note = (details: object) => codes.push('code' in details ? details.code : undefined)
  const logger = { debug: () => {}, info: () => {}, warn: note, error: note }
  const auth = await useMultiFileAuthState(folder, { logger })
  await auth.state.keys.set({ session: { [id]: Buffer.from('x') } })
  await auth.close()
  expect(codes).toEqual(expected)
})
