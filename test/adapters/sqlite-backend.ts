import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadDriver } from '../../adapters/sqlite/driver.ts'
import { type SqliteDatabase, sqliteStore } from '../../adapters/sqlite.ts'
import type { Store } from '../../src/store.ts'
import type { Backend } from '../suite/index.ts'

/** A database file, opened by path; the stores of this process share its connection. */
export const sqliteFile: Backend = fileBackend('sqlite', path => sqliteStore(path))

/** The same without an fsync a commit. */
export const sqliteRelaxedFile: Backend = fileBackend('sqlite relaxed', path =>
  sqliteStore(path, { durability: 'relaxed' }),
)

/** As on a file system of a network: with a rollback journal instead of WAL. */
export const sqliteSharedFile: Backend = fileBackend('sqlite on NFS', path =>
  sqliteStore(path, {}, { fileSystemOf: () => 0x6969 }),
)

/** A database of the caller's, one connection for each store. */
export const sqliteDatabases: Backend = {
  name: 'sqlite database',
  async create() {
    const path = await mkdtemp(join(tmpdir(), 'authkit-'))
    const databases: SqliteDatabase[] = []
    return {
      async open() {
        const database = await openDatabase(join(path, 'bots.db'))
        databases.push(database)
        return opened(sqliteStore(database))
      },
      async drop() {
        for (const database of databases) database.close()
        await rm(path, { recursive: true, force: true })
      },
    }
  },
}

/** A database in memory, which all stores of a case share. */
export const sqliteMemory: Backend = {
  name: 'sqlite in memory',
  async create() {
    const database = await openDatabase(':memory:')
    return {
      open: () => opened(sqliteStore(database)),
      async drop() {
        database.close()
      },
    }
  },
}

/** Opens a database with whichever driver is there, as a caller does. */
export async function openDatabase(path: string): Promise<SqliteDatabase> {
  const database = (await loadDriver())(path)
  database.exec('pragma busy_timeout = 5000')
  return database
}

async function opened(store: Store): Promise<Store> {
  await store.open()
  return store
}

function fileBackend(name: string, make: (path: string) => Store): Backend {
  return {
    name,
    async create() {
      const path = await mkdtemp(join(tmpdir(), 'authkit-'))
      return {
        open: () => opened(make(join(path, 'folder', 'bots.db'))),
        drop: () => rm(path, { recursive: true, force: true }),
      }
    },
  }
}
