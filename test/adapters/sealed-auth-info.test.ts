import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { multiFileStore } from '../../src/entries/multi-file.ts'
import { useAuthState, useMultiFileAuthState } from '../../src/index.ts'
import { sealed } from '../../src/stores/sealed.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'authkit-sealed-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

test.each([true, false])(
  'a folder that was in use opens sealed (names hidden: %s), keeps nothing readable that changes, and opens no more without the key',
  async hideNames => {
    const folder = join(root, 'auth_info')
    const before = await useMultiFileAuthState(folder)
    const { registrationId, advSecretKey } = before.state.creds
    await before.state.keys.set({ 'lid-mapping': { '5511': '77', '5522': '88' } })
    await before.saveCreds()
    await before.close()

    const keys = { main: randomBytes(32) }
    const open = () =>
      useAuthState(sealed(multiFileStore(root), { keys, hideNames }), { session: 'auth_info' })
    const first = await open()
    expect(first.state.creds.registrationId).toBe(registrationId)
    expect(await first.state.keys.get('lid-mapping', ['5511'])).toEqual({ '5511': '77' })
    await first.state.keys.set({ 'lid-mapping': { '5511': '99' } })
    first.state.creds.accountSyncCounter = 7
    await first.saveCreds()
    await first.close()

    const again = await open()
    expect(again.state.creds).toMatchObject({ registrationId, accountSyncCounter: 7 })
    expect(await again.state.keys.get('lid-mapping', ['5511', '5522'])).toEqual({
      '5511': '99',
      '5522': '88',
    })
    await again.close()
    const texts = await textsIn(folder)
    expect(texts.some(text => text.includes(advSecretKey) || text === '"99"')).toBe(false)
    expect(texts.some(text => text === '"88"')).toBe(true)
    await expect(useMultiFileAuthState(folder)).rejects.toMatchObject({
      code: 'SEAL_KEY_MISSING',
      message: expect.stringContaining('sealed(store, { keys })'),
    })
  },
)

test('a record that was sealed beside plain creds is refused, not taken for damaged, when its folder opens without the key', async () => {
  const folder = join(root, 'auth_info')
  const before = await useMultiFileAuthState(folder)
  await before.state.keys.set({ 'lid-mapping': { '5511': '77', '5522': '88' } })
  await before.close()
  const store = sealed(multiFileStore(root), { keys: { main: randomBytes(32) } })
  const sealing = await useAuthState(store, { session: 'auth_info' })
  await sealing.state.keys.set({ 'lid-mapping': { '5511': '99' } })
  await sealing.close()
  await store.close()

  await using plain = await useMultiFileAuthState(folder)
  expect(await plain.state.keys.get('lid-mapping', ['5522'])).toEqual({ '5522': '88' })
  const refused = plain.state.keys.get('lid-mapping', ['5511'])
  await expect(refused).rejects.toMatchObject({
    code: 'SEAL_KEY_MISSING',
    message: expect.stringContaining('sealed(store, { keys })'),
  })
})

async function textsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile())
  return Promise.all(files.map(file => readFile(join(file.parentPath, file.name), 'utf8')))
}
