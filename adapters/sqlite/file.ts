import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  statSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import { trouble } from './trouble.ts'

/** Which file a path leads to: another one after it was deleted and made again. */
export interface FileId {
  readonly dev: bigint
  readonly ino: bigint
}

/** The file at a path; `undefined` where there is none. */
export function fileAt(path: string): FileId | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })
}

/** True where both are the same file. */
export function isSameFile(a: FileId | undefined, b: FileId | undefined): boolean {
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino
}

/**
 * Makes a database's file and folders where they are missing, for nobody else's eyes, and returns its real path. An
 * existing file is never opened here: closing it would drop the locks that SQLite holds on it for this process.
 */
export function makeFile(path: string): string {
  const firstFolder = makeFolders(dirname(path))
  if (createFile(path)) {
    // SQLite makes its journals safe together with the folder that they are in, but none above it.
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      syncFolder(folder)
      if (firstFolder === undefined || folder === dirname(resolve(firstFolder))) break
      if (folder === dirname(folder)) break
    }
  } else if (statSync(path).isDirectory()) {
    throw trouble(
      'STORE_UNUSABLE',
      `${path} is a folder. Move it away, or name a file in it: ${path}/bots.db for example.`,
    )
  }
  return realpathSync(path)
}

function makeFolders(folder: string): string | undefined {
  try {
    return mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    if (Object(error).code !== 'ENOENT') throw error
    // What Node says of a file system that is read-only.
    let parent = dirname(folder)
    while (!statSync(parent, { throwIfNoEntry: false })) parent = dirname(parent)
    accessSync(parent, constants.W_OK | constants.X_OK)
    throw error
  }
}

function createFile(path: string): boolean {
  try {
    closeSync(openSync(path, 'wx', 0o600))
    return true
  } catch (error) {
    // On a file system that is read-only as well, a file that is there may be read.
    if (statSync(path, { throwIfNoEntry: false })) return false
    throw error
  }
}

function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const opened = openSync(folder, 'r')
  try {
    fsyncSync(opened)
  } finally {
    closeSync(opened)
  }
}
