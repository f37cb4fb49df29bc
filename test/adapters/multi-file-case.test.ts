import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FileSystem, nodeFileSystem } from '../../adapters/multi-file/file-system.ts'
import { type MultiFileStore, multiFileStore } from '../../adapters/multi-file.ts'

const absent = [{ name: '!fence', value: undefined }]
const fenced = (token: string) => [{ name: '!fence', value: token }]

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'authkit-case-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

test('of two processes that make one session in different folders at the same moment, one gives its own up', async () => {
  const slow = slowListing()
  await using owner = await opened()
  await using late = await opened(slow.fileSystem)

  // It looks before there is a name that differs in case alone, and goes on after.
  slow.hold()
  const claim = late.store.write('shop', fenced('late'), absent)
  await slow.held()
  expect(await owner.store.write('Shop', fenced('owner'))).toBe(true)
  expect(await owner.store.write('shop', fenced('owner'), absent)).toBe(true)
  slow.release()

  await expect(claim).rejects.toMatchObject({ code: 'WRITE_FAILED' })
  expect(await late.store.write('shop', fenced('late'), absent)).toBe(false)
  expect(await late.store.read('shop', ['!fence'])).toEqual(['owner'])
  expect(await owner.store.read('shop', ['!fence'])).toEqual(['owner'])
})

test('who makes it under a name of ours gives it up for a folder that has its own name by then', async () => {
  const slow = slowListing()
  await using owner = await opened()
  await using late = await opened(slow.fileSystem)
  expect(await owner.store.write('Shop', fenced('owner'))).toBe(true)

  slow.hold()
  const claim = late.store.write('shop', fenced('late'), absent)
  await slow.held()
  await mkdir(join(root, 'shop'))
  slow.release()

  await expect(claim).rejects.toMatchObject({ code: 'WRITE_FAILED' })
  expect(await late.store.write('shop', fenced('late'), absent)).toBe(true)
  expect(await owner.store.read('shop', ['!fence'])).toEqual(['late'])
})

/** A file system whose listings of the root, once held, answer with what was there before. */
function slowListing() {
  let isHolding = false
  let release = () => {}
  let reached = () => {}
  const isReached = new Promise<void>(resolve => {
    reached = resolve
  })
  let calls = 0
  const fileSystem: FileSystem = {
    ...nodeFileSystem,
    async readFolder(path) {
      const names = await nodeFileSystem.readFolder(path)
      // The first tells where the session is, the second where else it might be made.
      calls += isHolding && path === root ? 1 : 0
      if (!isHolding || calls !== 2) return names
      isHolding = false
      await new Promise<void>(resolve => {
        release = resolve
        reached()
      })
      return names
    },
  }
  return {
    fileSystem,
    hold: () => {
      isHolding = true
    },
    held: () => isReached,
    release: () => release(),
  }
}

async function opened(
  fileSystem?: FileSystem,
): Promise<{ readonly store: MultiFileStore } & AsyncDisposable> {
  const store = multiFileStore(root, {}, fileSystem)
  await store.open()
  return { store, [Symbol.asyncDispose]: () => store.close() }
}
