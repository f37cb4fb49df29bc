import { isReserved } from '../../src/names.ts'
import type { Commands } from './commands.ts'
import {
  asRecordDocument,
  asScopeDocument,
  fieldOf,
  fold,
  isInLog,
  type LoggedChange,
  nameIn,
  pathOf,
  type RecordDocument,
  recordId,
  type ScopeDocument,
  scopeId,
} from './documents.ts'
import { type Moment, thisMoment } from './moment.ts'
import type { Scopes } from './scopes.ts'
import { trouble } from './trouble.ts'

/** What one read found. */
export interface FoundScope {
  /** `undefined` where the scope holds nothing. */
  readonly document: ScopeDocument | undefined
  /** The texts of the records that were asked for. */
  readonly texts: ReadonlyMap<string, string | undefined>
  /** When it was asked for. */
  readonly at: Moment
}

const mostAttempts = 1_000

/** Reads reserved records alone: nothing else of the document is sent. */
export async function readReserved(
  commands: Commands,
  scope: string,
  names: readonly string[],
): Promise<(string | undefined)[]> {
  const wanted = names.map(name => [pathOf(name), 1])
  const projection = { scope: 1, incarnation: 1, seq: 1, ...Object.fromEntries(wanted) }
  const [found] = await commands.find({ _id: scopeId(scope), scope }, { projection })
  if (!found) return names.map(() => undefined)
  const { reserved } = asScopeDocument(found)
  return names.map(name => textOf(reserved, name))
}

/**
 * Reads a scope's document and records of it in one command, as they are together: the server reads the document first,
 * so whatever landed after it shows in a record by a higher number, and everything is read again.
 */
export async function readScope(
  commands: Commands,
  scopes: Scopes,
  scope: string,
  names: readonly string[],
): Promise<FoundScope> {
  let incarnation = scopes.incarnation(scope)
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const at = thisMoment()
    const records = names.filter(name => !isReserved(name))
    const ids = incarnation === undefined ? [] : records.map(name => recordId(incarnation ?? '', name))
    const filter = { _id: { $in: [scopeId(scope), ...ids] }, scope }
    // One more than there can be, so that the first answer is known to be the last.
    const [first, ...others] = await commands.find(filter, { batchSize: ids.length + 2 })
    if (!first || Object(first)._id !== scopeId(scope)) return { document: undefined, texts: new Map(), at }
    const document = asScopeDocument(first)
    const isComplete = document.incarnation === incarnation || records.length === 0
    incarnation = document.incarnation
    if (!isComplete) {
      scopes.saw(document)
      continue
    }
    const logged = fold(document.log)
    const found = others.filter(other => !isInLog(other, logged)).map(asRecordDocument)
    if (found.every(({ seq }) => seq <= document.seq))
      return { document, texts: overlaid(document, found, logged, names), at }
  }
  throw trouble('READ_FAILED', 'Too many others write the same session of the MongoDB collection.')
}

function overlaid(
  document: ScopeDocument,
  found: readonly RecordDocument[],
  logged: ReadonlyMap<string, LoggedChange>,
  names: readonly string[],
): ReadonlyMap<string, string | undefined> {
  const texts = new Map<string, string | undefined>()
  for (const [name, { value }] of logged) texts.set(name, value)
  // Those that are left say more than the log does.
  for (const { _id, value } of found) texts.set(nameIn(_id), value)
  for (const name of names) if (isReserved(name)) texts.set(name, textOf(document.reserved, name))
  return texts
}

function textOf(reserved: ScopeDocument['reserved'], name: string): string | undefined {
  const field = fieldOf(name)
  return Object.hasOwn(reserved, field) ? reserved[field] : undefined
}
