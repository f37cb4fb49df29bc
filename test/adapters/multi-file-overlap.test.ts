import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type FileSystem, nodeFileSystem } from '../../adapters/multi-file/file-system.ts'
import { folderScope, folderStore } from '../../adapters/multi-file.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authkit-overlap-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('a record that changes again and again while files are slow is not taken for another program’s after a kill', async () => {
  const disk = slowDisk()
  const store = folderStore(folder, {}, disk.fileSystem)
  const write = (name: string, value: string) =>
    store.write(folderScope, [{ name, value }], [{ name: '!fence', value: 'first owner' }])
  await store.open()
  const first = [{ name: '!fence', value: 'first owner' }]
  await store.write(folderScope, first, [{ name: '!fence', value: undefined }])

  disk.holdRenames()
  await write('lid-mapping/hot', 'in the first journal')
  await disk.next('rename', 'lid-mapping-hot.json')
  await write('lid-mapping/hot', 'in the second journal')
  // The files are due again before they are done with, so that a third journal begins.
  await disk.next('create', /^journal\..*\.3$/)
  await write('lid-mapping/hot', 'in the third journal')
  const isCut = disk.next('unlink', /^journal\..*\.2$/)
  disk.releaseRenames()
  await isCut
  disk.die()

  const warnings: string[] = []
  const next = folderStore(folder, { warn: code => warnings.push(code) })
  await next.open()
  const fence = { name: '!fence', value: 'second owner' }
  expect(await next.write(folderScope, [fence], [{ name: '!fence', value: 'first owner' }])).toBe(true)
  expect(await next.read(folderScope, ['lid-mapping/hot'])).toEqual(['in the third journal'])
  expect(warnings).toEqual([])
  await next.close()
})

/** A disk whose renames of record files wait on demand, that tells when it is asked for something, and that can die. */
function slowDisk() {
  const listeners = new Set<(operation: string, file: string) => void>()
  let release: () => void = () => {}
  let held: Promise<void> = Promise.resolve()
  let isDead = false
  const asked = async (operation: string, path: string) => {
    if (isDead) await new Promise(() => {})
    for (const listener of listeners) listener(operation, basename(path))
  }
  const fileSystem: FileSystem = {
    ...nodeFileSystem,
    async create(path) {
      await asked('create', path)
      return nodeFileSystem.create(path)
    },
    async rename(from, to) {
      await asked('rename', to)
      if (to.endsWith('.json')) await held
      await nodeFileSystem.rename(from, to)
    },
    async unlink(path) {
      await nodeFileSystem.unlink(path)
      await asked('unlink', path)
    },
  }
  return {
    fileSystem,
    /** Resolves when the operation is asked for on a file of this name. */
    next: (operation: string, file: string | RegExp) =>
      new Promise<void>(resolve => {
        const listener = (what: string, name: string) => {
          if (what !== operation || !(typeof file === 'string' ? name === file : file.test(name))) return
          listeners.delete(listener)
          resolve()
        }
        listeners.add(listener)
      }),
    holdRenames: () => {
      held = new Promise(resolve => {
        release = resolve
      })
    },
    releaseRenames: () => release(),
    die: () => {
      isDead = true
    },
  }
}
