import { realpath } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { fenceName, isInternalScope } from '../src/names.ts'
import type { Change, Durability, Entry, Guard, ListOptions, Store } from '../src/store.ts'
import { folded, hashedFolderName, scopeOfFolder, sessionFolderName } from './multi-file/file-names.ts'
import {
  type FileSystem,
  forEachLimited,
  hasCode,
  ifPresent,
  nodeFileSystem,
} from './multi-file/file-system.ts'
import type { Place } from './multi-file/place.ts'
import { SessionFolder } from './multi-file/session-folder.ts'
import { explained, isPermanent, kind, trouble } from './multi-file/trouble.ts'

/** Options of {@link multiFileStore} and {@link folderStore}. */
export interface MultiFileStoreOptions {
  /**
   * `'full'`: a batch resolves when it survives a power cut. `'relaxed'`: when it survives this process, which
   * saves an fdatasync a batch.
   * @default 'full'
   */
  readonly durability?: 'full' | 'relaxed'
  /** Is told what needs attention though nothing failed: `JOURNAL_STALE`, `FILES_BEHIND`, and on close `RECORDS_KEPT`. @default silence */
  readonly warn?: (code: string, message: string) => void
}

/** A {@link Store} in files. */
export interface MultiFileStore extends Store {
  readonly kind: 'multi-file'
  /**
   * How many records of the scope Baileys' own function does not find, since their Baileys file name could mean
   * another record, or is none that every file system takes.
   */
  countKept(scope: string): Promise<number>
}

/** The only session scope of a {@link folderStore}. */
export const folderScope = 'default'

/**
 * Keeps each session in a folder of its own under `root`, as Baileys lays it out: folders made by Baileys open, and
 * after the write that releases the fence Baileys opens them again. For file systems of this machine: those of a
 * network show changes too late for the fence to hold.
 */
export function multiFileStore(
  root: string,
  options: MultiFileStoreOptions = {},
  fileSystem: FileSystem = nodeFileSystem,
): MultiFileStore {
  return new Folders(root, false, options, fileSystem)
}

/** Keeps one session, of the scope {@link folderScope}, in exactly this folder: what `useMultiFileAuthState` takes. */
export function folderStore(
  folder: string,
  options: MultiFileStoreOptions = {},
  fileSystem: FileSystem = nodeFileSystem,
): MultiFileStore {
  return new Folders(folder, true, options, fileSystem)
}

const pageSize = 500
const closesAtOnce = 16

class Folders implements MultiFileStore {
  readonly kind = kind
  readonly limits = { readNames: 1000, batchBytes: 64 * 1024 * 1024 }
  readonly durability: Durability
  readonly #path: string
  readonly #isOneFolder: boolean
  readonly #fs: FileSystem
  readonly #warn: (code: string, message: string) => void
  readonly #sessions = new Map<string, SessionFolder>()
  #realPath: string | undefined

  constructor(path: string, isOneFolder: boolean, options: MultiFileStoreOptions, fs: FileSystem) {
    const { durability = 'full', warn = () => {} } = options
    if (typeof path !== 'string' || path === '')
      throw new TypeError('A multi-file store needs the path of a folder.')
    if (durability !== 'full' && durability !== 'relaxed') {
      throw new TypeError("The option durability is 'full' or 'relaxed'.")
    }
    this.#path = resolve(path)
    this.#isOneFolder = isOneFolder
    this.durability = durability === 'full' ? 'disk' : 'process'
    this.#warn = warn
    this.#fs = fs
  }

  get identity(): readonly unknown[] {
    return [kind, this.#root]
  }

  async open(): Promise<void> {
    try {
      await this.#fs.makeFolders(this.#path)
      await this.#fs.readFolder(this.#path)
      this.#realPath = await realpath(this.#path)
    } catch (error) {
      if (hasCode(error, 'EEXIST', 'ENOTDIR')) {
        throw trouble(
          'STORE_UNUSABLE',
          `${this.#path} is not a folder. Move what is there away, or name another folder.`,
          error,
        )
      }
      throw explained(error, 'STORE_UNUSABLE', this.#path)
    }
  }

  async read(scope: string, names: readonly string[]): Promise<(string | undefined)[]> {
    return this.#explaining('READ_FAILED', async () => (await this.#session(scope)).read(names))
  }

  async write(scope: string, changes: readonly Change[], guards: readonly Guard[] = []): Promise<boolean> {
    return this.#explaining('WRITE_FAILED', async () => {
      const session = await this.#session(scope)
      const rivals = session.isTaken ? [] : await this.#rivals(scope, session)
      const landed = await session.write(changes, guards)
      if (landed) await this.#checkAlone(session, rivals, changes)
      return landed
    })
  }

  async *list(scope: string, options?: ListOptions): AsyncIterable<readonly Entry[]> {
    try {
      yield* (await this.#session(scope)).list(options)
    } catch (error) {
      throw explained(error, 'READ_FAILED', this.#root)
    }
  }

  async *scopes(prefix = ''): AsyncIterable<readonly string[]> {
    let page: string[] = []
    for (const scope of await this.#explaining('READ_FAILED', () => this.#scopes())) {
      if (!scope.startsWith(prefix)) continue
      if (!(await this.#explaining('READ_FAILED', () => this.#holdsRecords(scope)))) continue
      page.push(scope)
      if (page.length < pageSize) continue
      yield page
      page = []
    }
    if (page.length > 0) yield page
  }

  async remove(scope: string, guards: readonly Guard[] = []): Promise<boolean> {
    return this.#explaining('WRITE_FAILED', async () => (await this.#session(scope)).remove(guards))
  }

  async close(): Promise<void> {
    await forEachLimited(this.#sessions, closesAtOnce, async ([scope, session]) => {
      const kept = await session.close()
      if (kept > 0 && !isInternalScope(scope)) this.#warnOfKept(session.folder, kept)
    })
    this.#sessions.clear()
  }

  async countKept(scope: string): Promise<number> {
    return this.#explaining('READ_FAILED', async () => (await this.#session(scope)).kept())
  }

  isPermanent(error: unknown): boolean {
    return isPermanent(error)
  }

  get #root(): string {
    if (this.#realPath === undefined)
      throw new TypeError('A multi-file store is used before open() resolved.')
    return this.#realPath
  }

  /** Whoever goes back to Baileys' own function should know what it will not find. */
  #warnOfKept(folder: string, count: number): void {
    this.#warn(
      'RECORDS_KEPT',
      `${count} record(s) in ${folder} lie in .authkit/session/kept: their names have no file name of Baileys' own, so its function does not find them. Nothing is wrong with them here.`,
    )
  }

  async #explaining<T>(code: 'READ_FAILED' | 'WRITE_FAILED', work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw explained(error, code, this.#root)
    }
  }

  /**
   * The scope's folder. One that nobody has taken here may by now lie elsewhere: it was removed, or made anew beside
   * a name that differs in case alone.
   */
  async #session(scope: string): Promise<SessionFolder> {
    const before = this.#sessions.get(scope)
    if (before && (this.#isOneFolder || isInternalScope(scope) || before.isTaken)) return before
    const place = await this.#place(scope)
    const known = this.#sessions.get(scope)
    if (known?.folder === (place.folder ?? place.home)) return known
    const session = new SessionFolder(place)
    this.#sessions.set(scope, session)
    return session
  }

  /** Where else another process may make the session at the same moment; nowhere, once there is a folder. */
  async #rivals(scope: string, session: SessionFolder): Promise<readonly string[]> {
    if (this.#isOneFolder || isInternalScope(scope)) return []
    const names = [sessionFolderName(scope), hashedFolderName(scope)].filter(name => name !== undefined)
    const there = (await ifPresent(this.#fs.readFolder(this.#root))) ?? []
    const mine = relative(this.#root, session.folder)
    return there.includes(mine) ? [] : names.filter(name => name !== mine)
  }

  /** Gives up what was made while another process made it elsewhere: both look after they have made theirs. */
  async #checkAlone(
    session: SessionFolder,
    rivals: readonly string[],
    changes: readonly Change[],
  ): Promise<void> {
    const fence = changes.find(({ name }) => name === fenceName)
    if (rivals.length === 0 || !fence) return
    const there = (await ifPresent(this.#fs.readFolder(this.#root))) ?? []
    if (!rivals.some(name => there.includes(name))) return
    await session.remove([fence])
    throw trouble(
      'WRITE_FAILED',
      `The session of ${session.folder} was made by another process at the same moment. Try again.`,
    )
  }

  async #place(scope: string): Promise<Place> {
    const isSynced = this.durability === 'disk'
    const common = { fs: this.#fs, scope, warn: this.#warn }
    if (isInternalScope(scope)) {
      // Heartbeats: worth no fsync, and at once where others look for them.
      const home = join(this.#root, '.authkit', hashedFolderName(scope))
      return {
        ...common,
        folder: undefined,
        home,
        isLabelled: false,
        sync: { batches: false, files: false },
        isBehind: false,
      }
    }
    const folder = await this.#folder(scope)
    return {
      ...common,
      folder,
      home: join(folder, '.authkit', 'session'),
      isLabelled: !this.#isOneFolder && folder === join(this.#root, hashedFolderName(scope)),
      sync: { batches: isSynced, files: true },
      isBehind: true,
    }
  }

  /** The folder that bears the session's name exactly, else one of ours where another's differs in case alone. */
  async #folder(scope: string): Promise<string> {
    if (this.#isOneFolder) {
      if (scope === folderScope) return this.#root
      throw new TypeError(`A folderStore holds the one scope '${folderScope}'.`)
    }
    const hashed = join(this.#root, hashedFolderName(scope))
    const name = sessionFolderName(scope)
    if (name === undefined) return hashed
    const there = (await ifPresent(this.#fs.readFolder(this.#root))) ?? []
    const isTaken = !there.includes(name) && there.some(other => folded(other) === folded(name))
    return isTaken || there.includes(hashedFolderName(scope)) ? hashed : join(this.#root, name)
  }

  async #scopes(): Promise<string[]> {
    if (this.#isOneFolder) return [folderScope]
    const found: string[] = []
    for (const name of (await ifPresent(this.#fs.readFolder(this.#root))) ?? []) {
      const scope = name.startsWith('#') ? await this.#label(name) : scopeOfFolder(name)
      if (scope !== undefined) found.push(scope)
    }
    return found
  }

  async #holdsRecords(scope: string): Promise<boolean> {
    try {
      return await (await this.#session(scope)).holdsRecords()
    } catch (error) {
      // A file that lies beside the folders.
      if (!this.#isOneFolder && hasCode(error, 'ENOTDIR')) return false
      throw error
    }
  }

  async #label(folder: string): Promise<string | undefined> {
    try {
      return (await this.#fs.readFile(join(this.#root, folder, '.authkit', 'session', 'scope'))).toString()
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
      throw error
    }
  }
}
