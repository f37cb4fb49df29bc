import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type FileSystem, nodeFileSystem } from '../../adapters/multi-file/file-system.ts'
import { folderScope, folderStore, multiFileStore } from '../../adapters/multi-file.ts'
import { built } from '../built.ts'

let folder = ''
const warnings: string[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authkit-'))
  warnings.length = 0
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const mine = [{ name: '!fence', value: 'mine' }]

test('a full disk is WRITE_FAILED with what to do, is worth repeating, and loses nothing acknowledged', async () => {
  const disk = breakable('ENOSPC', ['write'])
  const store = await taken(disk.fileSystem)
  assert.ok(await store.write(folderScope, [{ name: 'session/1.0', value: 'kept' }], mine))
  disk.isBroken = true
  const refused = await failure(store.write(folderScope, [{ name: 'session/1.0', value: 'lost' }], mine))
  assert.equal(refused.code, 'WRITE_FAILED')
  assert.match(refused.message, /no space is left.*Free some/)
  assert.equal(store.isPermanent?.(refused), false)
  assert.deepEqual(await store.read(folderScope, ['session/1.0']), ['kept'])
  disk.isBroken = false
  assert.ok(await store.write(folderScope, [{ name: 'session/1.0', value: 'repeated' }], mine))
  assert.deepEqual(await store.read(folderScope, ['session/1.0']), ['repeated'])
  await store.close()
})

test('a really full file system loses nothing acknowledged', async () => {
  const disk = join(folder, 'disk')
  await mkdir(disk)
  // In a namespace of its own, so that nobody needs to be root to mount something small.
  const script = 'mount -t tmpfs -o size=256k tmpfs "$1" && exec "$2" "$3" "$1"'
  const child = built('test/adapters/children/full-disk.ts')
  const inNamespace = ['--user', '--map-root-user', '--mount', 'sh', '-c', script]
  await promisify(execFile)('unshare', [...inNamespace, 'sh', disk, process.execPath, child])
})

test('a folder that can not be written is a permanent WRITE_FAILED that names the folder and no record', async () => {
  for (const code of ['EROFS', 'EACCES'] as const) {
    const path = join(folder, code)
    const disk = breakable(code, ['create', 'write', 'rename', 'makeFolder', 'makeFolders', 'unlink'])
    const store = await taken(disk.fileSystem, path)
    await store.write(folderScope, [{ name: 'session/4915112345678.0', value: 'kept' }], mine)
    await store.close()
    disk.isBroken = true
    const refused = await failure(
      store.write(folderScope, [{ name: 'session/4915112345678.0', value: 'lost' }], mine),
    )
    assert.equal(refused.code, 'WRITE_FAILED')
    assert.ok(refused.message.includes(path) && !JSON.stringify(refused).includes('4915112345678'))
    assert.ok(!refused.message.includes('4915112345678'))
    assert.equal(store.isPermanent?.(refused), true)
    assert.deepEqual(await store.read(folderScope, ['session/4915112345678.0']), ['kept'])
    await store.close()
  }
})

test('a file where the folder should be is STORE_UNUSABLE', async () => {
  await writeFile(join(folder, 'file'), '')
  for (const path of [join(folder, 'file'), join(folder, 'file', 'below')]) {
    for (const store of [folderStore(path), multiFileStore(path)]) {
      const refused = await failure(store.open())
      assert.equal(refused.code, 'STORE_UNUSABLE')
      assert.match(refused.message, /Move what is there away/)
    }
  }
  await writeFile(join(folder, 'shop'), '')
  const store = multiFileStore(folder)
  await store.open()
  const refused = await failure(store.write('shop', [{ name: 'creds', value: '{}' }]))
  assert.equal(refused.code, 'WRITE_FAILED')
  assert.match(refused.message, /a file is where a folder should be/)
})

test('an empty or half-written record file is given as it is, never as absent', async () => {
  await writeFile(join(folder, 'creds.json'), '')
  await writeFile(join(folder, 'session-1.0.json'), '{"half":')
  const store = folderStore(folder)
  await store.open()
  assert.deepEqual(await store.read(folderScope, ['creds', 'session/1.0']), ['', '{"half":'])
  assert.ok(await store.write(folderScope, mine, [{ name: '!fence', value: undefined }]))
  assert.deepEqual(await store.read(folderScope, ['creds', 'session/1.0']), ['', '{"half":'])
  await store.close()
})

test('a record that can not be read rejects, beside others that can', async () => {
  await mkdir(join(folder, 'session-1.0.json'))
  await writeFile(join(folder, 'session-2.0.json'), '{}')
  const store = folderStore(folder)
  await store.open()
  const refused = await failure(store.read(folderScope, ['session/1.0', 'session/2.0']))
  assert.equal(refused.code, 'READ_FAILED')
  assert.match(refused.message, /a folder is where a file should be/)
  assert.deepEqual(await store.read(folderScope, ['session/2.0']), ['{}'])
})

test('files that can not be written behind are a warning, and the journal holds what they lack', async () => {
  const disk = breakable('EACCES', ['rename'])
  const store = await taken(disk.fileSystem)
  disk.isBroken = true
  assert.ok(await store.write(folderScope, [{ name: 'creds', value: 'new' }], mine))
  assert.deepEqual(warnings, ['FILES_BEHIND'])
  await store.close()
  const next = folderStore(folder)
  await next.open()
  assert.deepEqual(await next.read(folderScope, ['creds']), ['new'])
  assert.ok(await next.write(folderScope, [{ name: '!fence', value: 'next' }], mine))
  assert.equal(await readFile(join(folder, 'creds.json'), 'utf8'), 'new')
  await next.close()
})

test('wrong options and wrong scopes are TypeErrors', async () => {
  assert.throws(() => folderStore(''), TypeError)
  // A caller without types.
  assert.throws(() => folderStore(folder, { durability: 'none' as 'full' }), TypeError)
  const store = folderStore(folder)
  await store.open()
  await assert.rejects(store.read('other', ['creds']), TypeError)
  assert.deepEqual(store.identity, ['multi-file', folder])
  assert.equal(store.durability, 'disk')
  assert.equal(folderStore(folder, { durability: 'relaxed' }).durability, 'process')
})

async function taken(fileSystem: FileSystem, path: string = folder) {
  const store = folderStore(path, { warn: code => warnings.push(code) }, fileSystem)
  await store.open()
  assert.ok(await store.write(folderScope, mine, [{ name: '!fence', value: undefined }]))
  return store
}

async function failure(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await work
  } catch (error) {
    // Every failure here is an AuthStateError, or the assertion on its code fails.
    return error as { code: string; message: string }
  }
  throw new assert.AssertionError({ message: 'it did not fail' })
}

/** Real files, whose operations of these names fail while `isBroken`. */
function breakable(code: string, names: readonly string[]): { isBroken: boolean; fileSystem: FileSystem } {
  const disk = { isBroken: false, fileSystem: nodeFileSystem }
  const check = (name: string) => {
    if (disk.isBroken && names.includes(name)) {
      throw Object.assign(new Error(`${code}: of the test`), { code, syscall: name })
    }
  }
  const checked =
    <Arguments extends string[], Result>(name: string, work: (...given: Arguments) => Promise<Result>) =>
    async (...given: Arguments) => {
      check(name)
      return work(...given)
    }
  disk.fileSystem = {
    ...nodeFileSystem,
    create: async path => {
      check('create')
      const file = await nodeFileSystem.create(path)
      return {
        ...file,
        async write(bytes, at) {
          check('write')
          return file.write(bytes, at)
        },
      }
    },
    rename: checked('rename', nodeFileSystem.rename),
    unlink: checked('unlink', nodeFileSystem.unlink),
    makeFolder: checked('makeFolder', nodeFileSystem.makeFolder),
    makeFolders: checked('makeFolders', nodeFileSystem.makeFolders),
  }
  return disk
}
