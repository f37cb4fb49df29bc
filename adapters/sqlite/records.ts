import type { Change, Entry, Guard } from '../../src/store.ts'
import type { SqliteDatabase, SqliteStatement, SqliteValue } from './driver.ts'

/** Everything that is asked of the table. No text of anybody's is ever part of it. */
export const recordStatements = {
  read: 'select value from authkit_records where scope = ? and name = ?',
  readMany:
    'select name, value from authkit_records where scope = ? and name in (select value from json_each(?))',
  put: 'insert into authkit_records (scope, name, value) values (?, ?, ?) on conflict (scope, name) do update set value = excluded.value',
  remove: 'delete from authkit_records where scope = ? and name = ?',
  removeScope: 'delete from authkit_records where scope = ?',
  names: 'select name from authkit_records where scope = ? and name >= ? and name < ? order by name limit ?',
  entries:
    'select name, value from authkit_records where scope = ? and name >= ? and name < ? order by name limit ?',
  // `!` is the lowest character of names, `"` the next: what is not reserved begins there.
  nextScope: `select scope, exists (select 1 from authkit_records held where held.scope = found.scope and held.name >= '"') as held from authkit_records found where scope >= ? and scope < ? order by scope limit 1`,
} as const

/** The table of one open database. All of it is synchronous, and none of it a transaction by itself. */
export class Records {
  readonly #database: SqliteDatabase
  readonly #prepared = new Map<string, SqliteStatement>()

  constructor(database: SqliteDatabase) {
    this.#database = database
  }

  /** The texts of records, in order: one statement, so that it sees all of a batch or nothing. */
  read(scope: string, names: readonly string[]): (string | undefined)[] {
    const [only, ...others] = names
    if (only !== undefined && others.length === 0) return [this.#readOne(scope, only)]
    const found = new Map<unknown, string>()
    for (const row of this.#statement('readMany').all(scope, JSON.stringify(names))) {
      const { name, value } = rowOf(row)
      found.set(name, textOf(value))
    }
    return names.map(name => found.get(name))
  }

  /** Whether every guard holds; compared here, so that no driver's idea of a text matters. */
  hold(scope: string, guards: readonly Guard[]): boolean {
    return guards.every(({ name, value }) => this.#readOne(scope, name) === value)
  }

  write(scope: string, changes: readonly Change[]): void {
    for (const { name, value } of changes) {
      if (value === undefined) this.#statement('remove').run(scope, name)
      else this.#statement('put').run(scope, name, bound(value))
    }
  }

  removeScope(scope: string): void {
    this.#statement('removeScope').run(scope)
  }

  /** Up to `limit` records with names from `from` on and before `end`, in order. */
  page(scope: string, from: string, end: string, limit: number, values: boolean): readonly Entry[] {
    return this.#statement(values ? 'entries' : 'names')
      .all(scope, from, end, limit)
      .map(row => entryOf(row, values))
  }

  /** The first scope from `from` on and before `end`, and whether it holds more than reserved records. */
  nextScope(from: string, end: string): { readonly scope: string; readonly isHeld: boolean } | undefined {
    const row = this.#statement('nextScope').get(from, end)
    if (row === undefined) return undefined
    const { scope, held } = rowOf(row)
    // A bigint, where the caller's database gives those.
    return { scope: String(scope), isHeld: Number(held) === 1 }
  }

  #readOne(scope: string, name: string): string | undefined {
    const row = this.#statement('read').get(scope, name)
    return row === undefined ? undefined : textOf(rowOf(row).value)
  }

  #statement(name: keyof typeof recordStatements): SqliteStatement {
    const known = this.#prepared.get(name)
    if (known) return known
    const statement = this.#database.prepare(recordStatements[name])
    this.#prepared.set(name, statement)
    return statement
  }
}

/** The least text that comes after `text`, of those that the contract allows: `!` is their lowest character. */
export function after(text: string): string {
  return `${text}!`
}

/** What comes after all texts that begin with `prefix`: above `~`, their highest character. */
export function endOf(prefix: string): string {
  return `${prefix}\u007f`
}

/** Some releases of node:sqlite cut a text at NUL when they read it, so such a text is kept as bytes. */
function bound(text: string): SqliteValue {
  return text.includes('\0') ? Buffer.from(text) : text
}

function textOf(value: unknown): string {
  if (!(value instanceof Uint8Array) && !ArrayBuffer.isView(value)) return String(value)
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString()
}

function entryOf(row: unknown, values: boolean): Entry {
  const { name, value } = rowOf(row)
  if (!values) return { name: String(name) }
  // The row itself, as nearly always: a whole session has ten thousand.
  if (typeof name === 'string' && typeof value === 'string') return row as Entry
  return { name: String(name), value: textOf(value) }
}

function rowOf(row: unknown): { readonly [column: string]: unknown } {
  return Object(row)
}
