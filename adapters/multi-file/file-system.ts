import { statSync, writeSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, rmdir, unlink } from 'node:fs/promises'

/** What tells that a path still leads to the same file. */
export interface FileId {
  readonly device: number
  readonly inode: number
}

/** A file open for writing. */
export interface OpenFile {
  /** Writes some of the bytes, from the first on, to this place in the file, and resolves to how many. */
  write(bytes: Uint8Array, at: number): Promise<number>
  datasync(): Promise<void>
  identify(): Promise<FileId>
  close(): Promise<void>
}

/** All that the multi-file store asks of a file system; tests put faults under it. */
export interface FileSystem {
  /** Creates a file with mode 0600 for writing; fails where there is one. */
  create(path: string): Promise<OpenFile>
  readFile(path: string): Promise<Buffer>
  readFolder(path: string): Promise<string[]>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  /** Creates a folder with mode 0700; fails where there is one, or none above it. */
  makeFolder(path: string): Promise<void>
  /** Creates a folder with mode 0700, and those above it; no error where there is one. */
  makeFolders(path: string): Promise<void>
  removeFolder(path: string): Promise<void>
  /** Removes a file or a folder with all in it. */
  removeTree(path: string): Promise<void>
  syncFolder(path: string): Promise<void>
  /**
   * Synchronous, since it is asked twice a batch and once a read, and a round through the thread pool costs ten
   * times the call itself.
   */
  identify(path: string): FileId | undefined
}

/** What is copied into the system's memory sooner than another thread could be asked to. */
const smallBytes = 16 * 1024

/** Node's own. Small writes are synchronous: the disk is waited for by `datasync`, and that never is. */
export const nodeFileSystem: FileSystem = {
  async create(path) {
    const file = await open(path, 'wx', 0o600)
    return {
      write: async (bytes, at) =>
        bytes.length <= smallBytes
          ? writeSync(file.fd, bytes, 0, bytes.length, at)
          : (await file.write(bytes, 0, bytes.length, at)).bytesWritten,
      datasync: () => file.datasync(),
      identify: async () => {
        const { dev, ino } = await file.stat()
        return { device: dev, inode: ino }
      },
      close: () => file.close(),
    }
  },
  readFile: path => readFile(path),
  readFolder: path => readdir(path),
  rename,
  unlink,
  makeFolder: path => mkdir(path, 0o700),
  async makeFolders(path) {
    await mkdir(path, { recursive: true, mode: 0o700 })
  },
  removeFolder: path => rmdir(path),
  removeTree: path => rm(path, { recursive: true, force: true }),
  async syncFolder(path) {
    // Windows can't open a folder, and needs no such thing: NTFS journals its names.
    if (process.platform === 'win32') return
    const folder = await open(path, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  },
  identify(path) {
    const stats = statSync(path, { throwIfNoEntry: false })
    return stats && { device: stats.dev, inode: stats.ino }
  },
}

/** True for an error of the file system with one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    typeof error.code === 'string' &&
    codes.includes(error.code)
  )
}

/** The result, or `undefined` where the file or folder is absent. Every other failure stays one. */
export async function ifPresent<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** Writes all of the bytes to this place in the file, however many calls it takes. */
export async function writeAll(file: OpenFile, bytes: Uint8Array, at = 0): Promise<void> {
  for (let from = 0; from < bytes.length; )
    from += await file.write(from ? bytes.subarray(from) : bytes, at + from)
}

/** Creates a file with this content, safe on disk when asked. */
export async function writeFile(
  fs: FileSystem,
  path: string,
  content: string | Uint8Array,
  isSynced: boolean,
): Promise<void> {
  const file = await fs.create(path)
  try {
    await writeAll(file, typeof content === 'string' ? Buffer.from(content) : content)
    if (isSynced) await file.datasync()
  } finally {
    await file.close()
  }
}

/** Runs the work for each item, at most so many at once; stops at the first failure. */
export async function forEachLimited<T>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const all = Array.from(items)
  if (all.length === 0) return
  const iterator = all.values()
  let hasFailed = false
  const worker = async () => {
    for (let next = iterator.next(); !next.done && !hasFailed; next = iterator.next()) {
      try {
        await work(next.value)
      } catch (error) {
        hasFailed = true
        throw error
      }
    }
  }
  const results = await Promise.allSettled(Array.from({ length: Math.min(atOnce, all.length) }, worker))
  for (const result of results) if (result.status === 'rejected') throw result.reason
}
