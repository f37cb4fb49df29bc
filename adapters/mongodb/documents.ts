import { isReserved } from '../../src/names.ts'
import type { Change } from '../../src/store.ts'
import { trouble } from './trouble.ts'

/**
 * What the collection holds, by how its `_id` begins. Scopes and names have no `"`, `#` or `$`, and `!` is their lowest
 * character: nothing else lies in these ranges, and a scope's document comes before its records.
 *
 * - `!!<scope>`: a scope's document
 * - `!"`: not used; `!#<incarnation>`: a grave; `!$schema`: the schema's version
 * - `!<incarnation>!<name>`: a record
 */
export interface ScopeDocument {
  readonly _id: string
  readonly scope: string
  /** Made with this document: records of another belong to a session that was removed. */
  readonly incarnation: string
  /** How many batches have landed. */
  readonly seq: number
  /** The reserved records, by {@link fieldOf} their names. */
  readonly reserved: { readonly [field: string]: string }
  /** The last batches, in order: all that may not have reached the records' documents. */
  readonly log: readonly LoggedBatch[]
  /** Set where the session was adopted: true while the documents that it was adopted from are still to be deleted. */
  readonly adopted?: unknown
}

/** One batch in a scope's log: `names[i]` is set to `values[i]`, and `gone` are removed. */
export interface LoggedBatch {
  readonly seq: number
  readonly names: readonly string[]
  readonly values: readonly string[]
  readonly gone: readonly string[]
}

/** A record's document. */
export interface RecordDocument {
  readonly _id: string
  /** Which batch wrote it. */
  readonly seq: number
  readonly scope: string
  /** Absent where the record was removed. */
  readonly value?: string
  /** When it was removed, by the server's clock. */
  readonly gone?: unknown
}

/** The last thing that a log says of one record. */
export interface LoggedChange {
  readonly seq: number
  readonly value: string | undefined
}

/** The `_id` of a scope's document. */
export function scopeId(scope: string): string {
  return `!!${scope}`
}

/** The `_id` of a record, or what those of all records begin with whose names begin with `name`. */
export function recordId(incarnation: string, name: string): string {
  return `!${incarnation}!${name}`
}

/** The name in a record's `_id`. */
export function nameIn(id: string): string {
  return id.slice(id.indexOf('!', 1) + 1)
}

/** A filter for every `_id` that begins with `prefix`: DEL is above all characters of names. */
export function beginsWith(prefix: string): { readonly $gte: string; readonly $lt: string } {
  return { $gte: prefix, $lt: `${prefix}\u007f` }
}

/** The path of a reserved record: a dot would lead into a document below it, and no name has a star. */
export function pathOf(name: string): string {
  return `reserved.${fieldOf(name)}`
}

/** The field of a reserved record. */
export function fieldOf(name: string): string {
  return name.replaceAll('.', '*')
}

/** The name of the reserved record in a field. */
export function nameOfField(field: string): string {
  return field.replaceAll('*', '.')
}

/** A log's batch of all changes that are not reserved; `undefined` where there is none. */
export function loggedBatch(seq: number, changes: readonly Change[]): LoggedBatch | undefined {
  const names: string[] = []
  const values: string[] = []
  const gone: string[] = []
  for (const { name, value } of changes) {
    if (isReserved(name)) continue
    if (value === undefined) gone.push(name)
    else {
      names.push(name)
      values.push(value)
    }
  }
  return names.length + gone.length === 0 ? undefined : { seq, names, values, gone }
}

/** What a log says of each record that it names. */
export function fold(log: readonly LoggedBatch[]): Map<string, LoggedChange> {
  const changes = new Map<string, LoggedChange>()
  for (const { seq, names, values, gone } of log) {
    for (const [index, name] of names.entries()) changes.set(name, { seq, value: values[index] })
    for (const name of gone) changes.set(name, { seq, value: undefined })
  }
  return changes
}

/** More than BSON takes for a batch in a log. */
export function bytesOf({ names, values, gone }: LoggedBatch): number {
  let bytes = 200
  // A text has a type, its index as a name, its length and an end.
  for (const texts of [names, values, gone]) {
    for (const text of texts) bytes += 15 + Buffer.byteLength(text)
  }
  return bytes
}

/** A scope's document as it was read. @throws AuthStateError `RECORD_CORRUPT` where it is none of ours */
export function asScopeDocument(document: object): ScopeDocument {
  const { _id, scope, incarnation, seq, reserved = {}, log = [] } = Object(document)
  const isWhole =
    typeof incarnation === 'string' &&
    Number.isSafeInteger(seq) &&
    isObject(reserved) &&
    Object.values(reserved).every(isText) &&
    Array.isArray(log) &&
    log.every(isBatch)
  if (!isWhole) throw damaged('A session\u2019s document')
  return { ...document, _id, scope, incarnation, seq, reserved, log } as ScopeDocument
}

/** A record's document as it was read. @throws AuthStateError `RECORD_CORRUPT` where it is none of ours */
export function asRecordDocument(document: object): RecordDocument {
  const { seq, value, gone } = Object(document)
  const isWhole = Number.isSafeInteger(seq) && (isText(value) || (value === undefined && gone !== undefined))
  if (!isWhole) throw damaged('A record\u2019s document')
  return document as RecordDocument
}

/**
 * Whether the log says all that a record's document does: then the document may be changing in this very moment, and is
 * not looked at. (MongoDB never shows a half of a change; mongo-java-server may.)
 */
export function isInLog(document: object, logged: ReadonlyMap<string, LoggedChange>): boolean {
  const { _id, seq } = Object(document)
  const last = logged.get(nameIn(_id))
  return last !== undefined && !(seq > last.seq)
}

function isBatch(batch: unknown): boolean {
  const { seq, names, values, gone } = Object(batch)
  const texts = [names, values, gone]
  return (
    Number.isSafeInteger(seq) &&
    texts.every(Array.isArray) &&
    texts.flat().every(isText) &&
    names.length === values.length
  )
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function damaged(what: string): Error {
  return trouble(
    'RECORD_CORRUPT',
    `${what} in the MongoDB collection was changed by another program, and can't be read. Nothing was made anew. Restore it from a backup, or remove the session and pair again.`,
  )
}
