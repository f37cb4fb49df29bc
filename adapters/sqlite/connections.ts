import { statfsSync } from 'node:fs'
import { Connection, deleted, type OpenedFile, throughLocks } from './connection.ts'
import type { Driver, SqliteDatabase } from './driver.ts'
import { fileAt, isSameFile, makeFile } from './file.ts'
import { journalModeFor, type SqliteDurability, setUpCallers, setUpOwn } from './pragmas.ts'
import { migrate } from './schema.ts'
import { explained } from './trouble.ts'

/** How a connection is made. */
export interface ConnectOptions {
  readonly durability: SqliteDurability
  readonly migrations: readonly string[]
  /** `type` of `statfs` of a path. */
  readonly fileSystemOf: (path: string) => number
  readonly loadDriver: () => Promise<Driver>
}

/** A store's hold on a connection. */
export interface Hold {
  readonly connection: Connection
  /** Lands what waits; the last one to let go closes what was opened by path. */
  release(): Promise<void>
}

/** A connection that is or will be there for every store on the same file. */
interface Shared {
  readonly path: string
  readonly opening: Promise<Connection>
  opened: Connection | undefined
  holds: number
}

/** Of this process: a hundred sessions in one file are one connection, or they could not share transactions. */
const byFile = new Map<string, Shared>()
const byDatabase = new WeakMap<SqliteDatabase, Connection>()

/** How long opening waits for a lock: of many processes that begin together, each may have to set up the file. */
const opensForMs = 2_000

/** The type of the file system that a path is on, as Linux numbers them. */
export function fileSystemOf(path: string): number {
  return statfsSync(path).type
}

/** Opens the file at an absolute path, or joins who has it open in this process. */
export async function connectFile(path: string, options: ConnectOptions): Promise<Hold> {
  const driver = await options.loadDriver()
  const realPath = explaining(path, () => {
    const made = makeFile(path)
    // Whoever has a deleted file of this name open lets go before the new one is opened.
    for (const other of byFile.values()) if (other.path === made) void other.opened?.isGone
    return made
  })
  const key = `${options.durability} ${realPath}`
  const known = byFile.get(key)
  const shared = known && !known.opened?.isGone ? known : share(key, realPath, driver, options)
  shared.holds += 1
  const release = async () => {
    shared.holds -= 1
    if (shared.holds > 0) return shared.opened?.idle()
    if (byFile.get(key) === shared) byFile.delete(key)
    await shared.opened?.close()
  }
  try {
    return { connection: await shared.opening, release }
  } catch (error) {
    await release()
    throw error
  }
}

/** Opens a database in memory that no other store sees. */
export async function connectMemory(options: ConnectOptions): Promise<Hold> {
  const database = (await options.loadDriver())(':memory:')
  migrate(database, options.migrations, undefined)
  const connection = new Connection({ database, file: undefined, isOwn: true })
  return { connection, release: () => connection.close() }
}

/** Takes a database object of the caller's, which stays the caller's to close. */
export async function connectDatabase(database: SqliteDatabase, options: ConnectOptions): Promise<Hold> {
  const path = await settingUp(undefined, () => mainFileOf(database))
  const known = byDatabase.get(database)
  const file = known?.file ?? openedFile(path)
  if (known?.isGone || (path !== undefined && !file)) throw deleted(path)
  await settingUp(path, () => {
    checkNoTransaction(database)
    setUpCallers(database, options.durability, path)
    migrate(database, options.migrations, path)
  })
  // Another store may have done the same meanwhile.
  const connection = byDatabase.get(database) ?? new Connection({ database, file, isOwn: false })
  byDatabase.set(database, connection)
  return { connection, release: () => connection.idle() }
}

function share(key: string, path: string, driver: Driver, options: ConnectOptions): Shared {
  const shared: Shared = { path, opening: openFile(path, driver, options), opened: undefined, holds: 0 }
  byFile.set(key, shared)
  shared.opening.then(
    connection => {
      shared.opened = connection
    },
    () => {
      if (byFile.get(key) === shared) byFile.delete(key)
    },
  )
  return shared
}

async function openFile(path: string, driver: Driver, options: ConnectOptions): Promise<Connection> {
  const { database, file } = explaining(path, () => openSettled(path, driver))
  try {
    const mode = explaining(path, () =>
      journalModeFor({ fileSystem: options.fileSystemOf(path), path, platform: process.platform }),
    )
    await settingUp(path, () => {
      setUpOwn(database, options.durability, mode)
      migrate(database, options.migrations, path)
    })
    return new Connection({ database, file, isOwn: true })
  } catch (error) {
    database.close()
    throw error
  }
}

/** Opens the file, and knows which one: it may be replaced between two calls. */
function openSettled(path: string, driver: Driver): { database: SqliteDatabase; file: OpenedFile } {
  for (let attempt = 0; ; attempt++) {
    const before = fileAt(path)
    const database = driver(path)
    const file = openedFile(path)
    if (file && isSameFile(before, file)) return { database, file }
    database.close()
    if (attempt === 5) throw deleted(path)
  }
}

function openedFile(path: string | undefined): OpenedFile | undefined {
  const file = path === undefined ? undefined : fileAt(path)
  return file && path !== undefined ? { path, dev: file.dev, ino: file.ino } : undefined
}

function mainFileOf(database: SqliteDatabase): string | undefined {
  const rows = database.prepare('pragma database_list').all()
  const main = rows.map(row => Object(row)).find(({ name }) => name === 'main')
  return main === undefined || main.file === '' || main.file === null ? undefined : String(main.file)
}

/** Neither pragmas nor a schema of ours belong into a transaction of the caller's. */
function checkNoTransaction(database: SqliteDatabase): void {
  database.exec('begin')
  database.exec('rollback')
}

async function settingUp<T>(path: string | undefined, work: () => T): Promise<T> {
  try {
    return await throughLocks(work, opensForMs)
  } catch (error) {
    throw explained(error, 'STORE_UNUSABLE', path)
  }
}

function explaining<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw explained(error, 'STORE_UNUSABLE', path)
  }
}
