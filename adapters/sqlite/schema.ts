import type { SqliteDatabase } from './driver.ts'
import { nameOf, trouble } from './trouble.ts'

/** What makes each version of the schema from the one before; the first makes it from nothing. Never changed, only added to. */
export const migrations: readonly string[] = [
  'create table authkit_records (scope text not null, name text not null, value not null, primary key (scope, name)) without rowid',
]

/** A version of our own, not `user_version`, which is the caller's: the database may be too. */
const metaTable =
  'create table if not exists authkit_meta (name text not null primary key, value) without rowid'

/**
 * Brings the schema to the version of `steps` in one transaction; safe when many connections do it at once.
 *
 * @throws AuthStateError `SCHEMA_NEWER` for a database of a later version
 */
export function migrate(database: SqliteDatabase, steps: readonly string[], path: string | undefined): void {
  // First without a lock: a database that is ready opens although it is locked or read-only.
  if (versionOf(database, steps, path) === steps.length) return
  database.exec('begin immediate')
  try {
    for (const step of steps.slice(versionOf(database, steps, path))) database.exec(step)
    database.exec(metaTable)
    database
      .prepare("insert or replace into authkit_meta (name, value) values ('schema', ?)")
      .run(String(steps.length))
    database.exec('commit')
  } catch (error) {
    rollBack(database)
    throw error
  }
}

/** Ends a transaction that failed, if SQLite has not done so itself. */
export function rollBack(database: SqliteDatabase): void {
  try {
    database.exec('rollback')
  } catch {
    // None is open any more: SQLite rolls back by itself when a disk is full or broken.
  }
}

function versionOf(database: SqliteDatabase, steps: readonly string[], path: string | undefined): number {
  const meta = database.prepare("select 1 from sqlite_master where type = 'table' and name = 'authkit_meta'")
  if (meta.get() === undefined) return 0
  const row = database.prepare("select value from authkit_meta where name = 'schema'").get()
  const version = row === undefined ? 0 : Number(Object(row).value)
  if (version <= steps.length) return version
  throw trouble(
    'SCHEMA_NEWER',
    `${nameOf(path)} has schema ${version}, made by a newer version of baileys-authkit; this one knows ${steps.length}. Update it here too.`,
  )
}
