import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AuthState, useMultiFileAuthState } from '../../src/index.ts'

const ttlMs = 400
let parent: string
let folder: string

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'authkit-deleted-'))
  folder = join(parent, 'auth')
})
afterEach(() => rm(parent, { recursive: true, force: true }))

test('rule 11: a folder that is deleted under an idle session ends it, and no heartbeat makes the folder again', async () => {
  const auth = await open()
  await auth.state.keys.set({ 'lid-mapping': { a: 'b' } })
  await rm(folder, { recursive: true, maxRetries: 5 })
  await aborted(auth)
  expect(auth.signal.reason).toMatchObject({ code: 'SESSION_REMOVED' })
  await twoPeriods()
  expect(existsSync(folder)).toBe(false)
})

test('rule 11: deleted and made again by somebody else, the folder stays as that one left it', async () => {
  const auth = await open()
  await auth.state.keys.set({ 'lid-mapping': { a: 'b' } })
  await rm(folder, { recursive: true, maxRetries: 5 })
  await mkdir(folder)
  await expect(auth.state.keys.set({ 'lid-mapping': { a: 'c' } })).rejects.toMatchObject({
    code: 'SESSION_REMOVED',
  })
  await twoPeriods()
  expect(await readdir(folder)).toEqual([])
})

test('rule 11: deleted and opened again in this process, it is a new session that the old one writes nothing to', async () => {
  const old = await open()
  await old.state.keys.set({ 'lid-mapping': { a: 'b' } })
  await rm(folder, { recursive: true, maxRetries: 5 })
  const anew = await open()
  expect(anew.state.creds.advSecretKey).not.toBe(old.state.creds.advSecretKey)
  expect(old.signal.reason).toMatchObject({ code: 'SESSION_REMOVED' })
  await anew.saveCreds()
  await expect(old.saveCreds()).rejects.toMatchObject({ code: 'SESSION_REMOVED' })
  await expect(old.state.keys.set({ 'lid-mapping': { late: 'x' } })).rejects.toMatchObject({
    code: 'SESSION_REMOVED',
  })
  expect(await anew.state.keys.get('lid-mapping', ['a', 'late'])).toEqual({ a: null, late: null })
  await anew.close()
  expect((await readdir(folder)).sort()).toEqual(['.authkit', '.gitignore', 'creds.json'])
})

function open(): Promise<AuthState> {
  return useMultiFileAuthState(folder, { logger: false, lease: { ttlMs } })
}

function aborted({ signal }: AuthState): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve())
  })
}

function twoPeriods(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ttlMs / 2 + 50))
}
