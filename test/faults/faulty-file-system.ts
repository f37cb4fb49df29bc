import { type FileSystem, nodeFileSystem, type OpenFile } from '../../adapters/multi-file/file-system.ts'

/** What happens at one operation. Dead is dead: after `dies...` every later operation fails too. */
export type Fault =
  | 'fails'
  /** It is done, and its answer is lost. */
  | 'fails after'
  /** A write takes half of the bytes; the one after it fails. */
  | 'is short'
  | 'dies before'
  | 'dies after'
  /** A write takes half of the bytes, and the process is gone. */
  | 'dies amid'

/** A file system that counts its operations, and breaks at one of them. */
export interface FaultyFileSystem {
  readonly fileSystem: FileSystem
  /** The operations so far, in order: `rename`, `datasync`, ... */
  readonly operations: readonly string[]
}

/** Real files, but for the fault at the operation of this number (from 0). Without a fault it only counts. */
export function faultyFileSystem(
  at: number = Number.POSITIVE_INFINITY,
  fault: Fault = 'fails',
): FaultyFileSystem {
  const operations: string[] = []
  let isDead = false
  let failsNextWrite = false

  function next(operation: string): Fault | undefined {
    if (isDead) throw broken('EIO')
    operations.push(operation)
    return operations.length - 1 === at ? fault : undefined
  }

  async function doing<T>(operation: string, work: (fault: Fault | undefined) => Promise<T>): Promise<T> {
    const now = next(operation)
    if (now?.startsWith('dies')) isDead = true
    if (now === 'fails' || now === 'dies before') throw broken('EIO')
    const result = await work(now)
    if (now !== undefined) throw broken('EIO')
    return result
  }

  async function writing(file: OpenFile, bytes: Uint8Array, to: number): Promise<number> {
    const now = next('write')
    if (now?.startsWith('dies')) isDead = true
    if (failsNextWrite) {
      failsNextWrite = false
      throw broken('ENOSPC')
    }
    if (now === 'fails' || now === 'dies before') throw broken('ENOSPC')
    if (now === 'is short' || now === 'dies amid') {
      const written = await file.write(bytes.subarray(0, bytes.length >> 1), to)
      if (now === 'dies amid') throw broken('EIO')
      failsNextWrite = true
      return written
    }
    const written = await file.write(bytes, to)
    if (now !== undefined) throw broken('EIO')
    return written
  }

  const fs = nodeFileSystem
  return {
    operations,
    fileSystem: {
      create: path =>
        doing('create', async now => {
          const file = await fs.create(path)
          // An answer that is about to be lost: nobody else could close it.
          if (now !== undefined) await file.close()
          return {
            write: (bytes, to) => writing(file, bytes, to),
            datasync: () => doing('datasync', () => file.datasync()),
            identify: () => doing('identifyFile', () => file.identify()),
            // A file is closed whatever happens, or the tests would run out of them.
            close: () => file.close(),
          }
        }),
      readFile: path => doing('readFile', () => fs.readFile(path)),
      readFolder: path => doing('readFolder', () => fs.readFolder(path)),
      rename: (from, to) => doing('rename', () => fs.rename(from, to)),
      unlink: path => doing('unlink', () => fs.unlink(path)),
      makeFolder: path => doing('makeFolder', () => fs.makeFolder(path)),
      makeFolders: path => doing('makeFolders', () => fs.makeFolders(path)),
      removeFolder: path => doing('removeFolder', () => fs.removeFolder(path)),
      removeTree: path => doing('removeTree', () => fs.removeTree(path)),
      syncFolder: path => doing('syncFolder', () => fs.syncFolder(path)),
      identify(path) {
        const now = next('identify')
        if (now?.startsWith('dies')) isDead = true
        if (now !== undefined) throw broken('EIO')
        return fs.identify(path)
      },
    },
  }
}

function broken(code: string): Error {
  return Object.assign(new Error(`${code}: a fault of the test`), { code, syscall: 'test' })
}
