import type { Entry, ListOptions } from '../../src/store.ts'
import type { Commands } from './commands.ts'
import {
  asRecordDocument,
  asScopeDocument,
  beginsWith,
  fold,
  isInLog,
  type LoggedChange,
  nameIn,
  nameOfField,
  recordId,
  type ScopeDocument,
  scopeId,
} from './documents.ts'
import type { Scopes } from './scopes.ts'

const pageLength = 500
const usualPageBytes = 1024 * 1024
/** So few bytes hardly a record of a session has: where a page may hold more, that many documents are enough to fill it. */
const leastRecordBytes = 100
const scopesAtOnce = 20

/** All records of a scope whose names begin with `prefix`: what its document says first, then the records' own. */
export async function* listRecords(
  commands: Commands,
  scopes: Scopes,
  scope: string,
  { prefix = '', values = false, pageBytes = usualPageBytes }: ListOptions,
): AsyncGenerator<readonly Entry[], void, void> {
  const found = values
    ? documentsWithValues(commands, scope, prefix, pageBytes, scopes.incarnation(scope))
    : documentsOfNames(commands, scope, prefix)
  try {
    const { value: first } = await found.next()
    if (!first) return
    const document = asScopeDocument(first)
    const logged = fold(document.log)
    yield* pages(inDocument(document, logged, prefix, values), pageBytes)
    yield* pages(ofDocuments(found, logged, values), pageBytes)
  } finally {
    await found.return()
  }
}

/** A scope's document and then its records': in one answer, where that has room and `guess` is still its incarnation. */
async function* documentsWithValues(
  commands: Commands,
  scope: string,
  prefix: string,
  pageBytes: number,
  guess: string | undefined,
): AsyncGenerator<object, void, void> {
  const options = { batchSize: Math.max(pageLength, Math.ceil(pageBytes / leastRecordBytes)) }
  const records = (incarnation: string) => ({ _id: beginsWith(recordId(incarnation, prefix)) })
  const both = [{ _id: scopeId(scope) }, ...(guess === undefined ? [] : [records(guess)])]
  let incarnation: string | undefined
  for await (const document of commands.each({ $or: both, scope }, options)) {
    if (incarnation === undefined && Object(document)._id !== scopeId(scope)) return
    incarnation ??= asScopeDocument(document).incarnation
    yield document
    if (incarnation !== guess) break
  }
  if (incarnation !== undefined && incarnation !== guess)
    yield* commands.each({ ...records(incarnation), scope }, options)
}

async function* documentsOfNames(
  commands: Commands,
  scope: string,
  prefix: string,
): AsyncGenerator<object, void, void> {
  const [document] = await commands.find({ _id: scopeId(scope), scope })
  if (!document) return
  yield document
  const { incarnation } = asScopeDocument(document)
  const filter = { _id: beginsWith(recordId(incarnation, prefix)), scope }
  yield* commands.each(filter, { projection: { seq: 1, gone: 1 } })
}

/** Scopes that hold more than reserved records. */
export async function* listScopes(
  commands: Commands,
  prefix: string,
): AsyncGenerator<readonly string[], void, void> {
  const projection = { reserved: 0, 'log.values': 0 }
  const found = commands.each({ _id: beginsWith(scopeId(prefix)) }, { projection, batchSize: 100 })
  let some: object[] = []
  for await (const document of found) {
    if (some.push(document) < scopesAtOnce) continue
    yield* held(commands, some)
    some = []
  }
  yield* held(commands, some)
}

function* inDocument(
  { reserved }: ScopeDocument,
  logged: ReadonlyMap<string, LoggedChange>,
  prefix: string,
  values: boolean,
): Generator<Entry> {
  for (const [field, value] of Object.entries(reserved)) {
    const name = nameOfField(field)
    if (name.startsWith(prefix)) yield entry(name, value, values)
  }
  for (const [name, { value }] of logged) {
    if (value !== undefined && name.startsWith(prefix)) yield entry(name, value, values)
  }
}

async function* ofDocuments(
  documents: AsyncIterable<object>,
  logged: ReadonlyMap<string, LoggedChange>,
  values: boolean,
): AsyncGenerator<Entry> {
  for await (const document of documents) {
    if (isInLog(document, logged)) continue
    const { _id, value = '', gone } = values ? asRecordDocument(document) : Object(document)
    if (gone === undefined) yield entry(nameIn(_id), value, values)
  }
}

function entry(name: string, value: string, values: boolean): Entry {
  return values ? { name, value } : { name }
}

async function* pages(
  entries: AsyncIterable<Entry> | Iterable<Entry>,
  pageBytes: number,
): AsyncGenerator<readonly Entry[], void, void> {
  let page: Entry[] = []
  let bytes = 0
  for await (const each of entries) {
    page.push(each)
    bytes += each.name.length + (each.value?.length ?? 0)
    if ((page.length < pageLength || pageBytes > usualPageBytes) && bytes < pageBytes) continue
    yield page
    page = []
    bytes = 0
  }
  if (page.length > 0) yield page
}

async function* held(
  commands: Commands,
  documents: readonly object[],
): AsyncGenerator<readonly string[], void, void> {
  const found = await Promise.all(documents.map(document => isHeld(commands, document)))
  const scopes = documents.filter((_, index) => found[index]).map(document => String(Object(document).scope))
  if (scopes.length > 0) yield scopes
}

/** Whether a scope holds a record: one that its log has set last, or one of a document that the log does not remove. */
async function isHeld(commands: Commands, document: object): Promise<boolean> {
  const { scope, incarnation, log = [] } = Object(document)
  const isSet = new Map<string, boolean>()
  for (const { names, gone } of log) {
    for (const name of names) isSet.set(name, true)
    for (const name of gone) isSet.set(name, false)
  }
  const removed = Array.from(isSet, ([name, is]) => (is ? [] : [recordId(incarnation, name)])).flat()
  if (removed.length < isSet.size) return true
  const filter = {
    _id: { ...beginsWith(recordId(incarnation, '')), $nin: removed },
    scope,
    gone: { $exists: false },
  }
  const [record] = await commands.find(filter, { projection: { _id: 1 }, limit: 1 })
  return record !== undefined
}
