import { randomBytes } from 'node:crypto'
import { fenceName, isReserved } from '../../src/names.ts'
import type { Change, Guard } from '../../src/store.ts'
import type { Commands } from './commands.ts'
import {
  asScopeDocument,
  bytesOf,
  fieldOf,
  type LoggedBatch,
  loggedBatch,
  pathOf,
  type ScopeDocument,
  scopeId,
} from './documents.ts'
import type { LandedBatches } from './landed-batches.ts'
import { thisMoment } from './moment.ts'
import { readScope } from './reading.ts'
import type { Scopes } from './scopes.ts'
import { trouble } from './trouble.ts'

/** What one batch may take in a scope's document, of MongoDB's 16 MiB. */
const batchBytes = 12 * 1024 * 1024
/** What all batches may take that have landed and not been applied, with the next one. */
const logBytes = 14 * 1024 * 1024
const logLength = 100
const mostAttempts = 1_000

/** A batch on its way. */
interface Batch {
  readonly scope: string
  readonly changes: readonly Change[]
  readonly guards: readonly Guard[]
  /** As it would be logged under the number `seq`; `undefined` where all of its records are reserved. */
  logged(seq: number): LoggedBatch | undefined
}

/**
 * Lands a batch by one update of the scope's document: under its guards, and with records that are not reserved as the
 * next in the log. False where a guard did not hold.
 */
export async function land(
  commands: Commands,
  scopes: Scopes,
  scope: string,
  changes: readonly Change[],
  guards: readonly Guard[],
): Promise<boolean> {
  const batch: Batch = { scope, changes, guards, logged: seq => loggedBatch(seq, changes) }
  checkSize(batch)
  const isReservedOnly = !batch.logged(0) && guards.every(({ name }) => isReserved(name))
  // The first attempt goes by what is known from before, which is nearly always still so.
  let seq = guards.every(isOfReserved) ? scopes.known(scope)?.seq : undefined
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    if (isReservedOnly && (await setReserved(commands, scopes, batch))) return true
    if (!isReservedOnly && seq !== undefined && (await append(commands, scopes, batch, seq))) return true
    const found = await readScope(commands, scopes, scope, guards.map(nameOf))
    const holds = guards.every(({ name, value }) => found.texts.get(name) === value)
    if (!holds) return false
    if (!found.document) {
      if (await begin(commands, scopes, batch)) return true
      seq = undefined
    } else {
      scopes.learn(found.document, found.at)
      seq = found.document.seq
    }
  }
  throw trouble('WRITE_FAILED', 'Too many others write the same session of the MongoDB collection.')
}

/** Reserved records need no number: they are in the document that the update changes. */
async function setReserved(commands: Commands, scopes: Scopes, batch: Batch): Promise<boolean> {
  const known = scopes.known(batch.scope)
  const trimmed = known && known.applied > 0 ? known : undefined
  const filter = {
    ...scopeFilter(batch),
    ...(trimmed && { incarnation: trimmed.incarnation }),
  }
  const update = {
    ...reservedUpdate(batch, {}),
    // Whoever opens the session next reads less.
    ...(trimmed && { $pull: { log: { seq: { $lte: trimmed.applied } } } }),
  }
  if (!changesFence(batch)) return commands.update(filter, update)
  return takeOver(commands, scopes, filter, update)
}

/** The batch becomes the one after `seq` in the log, and those that were applied leave it. */
async function append(commands: Commands, scopes: Scopes, batch: Batch, seq: number): Promise<boolean> {
  const known = scopes.known(batch.scope)
  if (!known) return false
  const { incarnation } = known
  const logged = batch.logged(seq + 1)
  if (logged) await makeRoom(known, bytesOf(logged))
  // What is known of the log must be of the moment that the filter asks for.
  if (known.seq !== seq) return false
  const at = thisMoment()
  const filter = { ...scopeFilter(batch), incarnation, seq }
  const update = {
    ...reservedUpdate(batch, logged ? { seq: logged.seq } : {}),
    ...(logged && { $push: { log: { $each: [logged], $slice: -(known.pending + 1) } } }),
  }
  if (changesFence(batch)) return takeOver(commands, scopes, filter, update)
  if (!(await commands.update(filter, update))) return false
  if (logged) known.landed(logged, at)
  known.applySoon()
  return true
}

/** A change of the fence is a take-over, or a release: what the log holds is applied by whoever made it. */
async function takeOver(
  commands: Commands,
  scopes: Scopes,
  filter: object,
  update: object,
): Promise<boolean> {
  const at = thisMoment()
  const document = await commands.updated(filter, update)
  if (!document) return false
  scopes.learn(asScopeDocument(document), at).apply()
  return true
}

/** The first batch of a scope makes its document. False where another was faster. */
async function begin(commands: Commands, scopes: Scopes, batch: Batch): Promise<boolean> {
  const { scope, changes } = batch
  const put = changes.filter(({ value }) => value !== undefined)
  if (put.length === 0) return true
  const at = thisMoment()
  const logged = loggedBatch(1, put)
  const reserved = Object.fromEntries(
    put.filter(isOfReserved).map(({ name, value }) => [fieldOf(name), value ?? '']),
  )
  const document: ScopeDocument = {
    _id: scopeId(scope),
    scope,
    incarnation: newIncarnation(),
    seq: logged ? 1 : 0,
    reserved,
    log: logged ? [logged] : [],
  }
  if (!(await commands.insert(document))) return false
  scopes.learn(document, at).applySoon()
  return true
}

/** A text that no other session's records have: in lower case, so that they lie in ranges of their own. */
export function newIncarnation(): string {
  return randomBytes(12).toString('hex')
}

/**
 * Waits until what has landed is applied, where the document would grow too large otherwise, or where the server has
 * refused to take it: then no more is acknowledged, and the caller is told why.
 */
async function makeRoom(known: LandedBatches, bytes: number): Promise<void> {
  if (hasRoom(known, bytes) && known.refusal === undefined) return
  await known.settled()
  if (known.refusal !== undefined) throw known.refusal
  if (!hasRoom(known, bytes)) {
    throw trouble(
      'WRITE_FAILED',
      'The MongoDB collection took earlier changes, but not yet into their own documents. Look at the server; calls work again when it does.',
    )
  }
}

function hasRoom(known: LandedBatches, bytes: number): boolean {
  return known.pending === 0 || (known.bytes + bytes <= logBytes && known.pending < logLength)
}

function checkSize(batch: Batch): void {
  const logged = batch.logged(0)
  const ofReserved = batch.changes.filter(isOfReserved)
  const bytes = (logged ? bytesOf(logged) : 0) + bytesOf({ seq: 0, gone: [], ...listed(ofReserved) })
  if (bytes <= batchBytes) return
  throw trouble(
    'BATCH_TOO_LARGE',
    `A batch takes ${bytes} bytes; in MongoDB, whose documents end at 16 MiB, it may take ${batchBytes}. Set less at once.`,
  )
}

function listed(changes: readonly Change[]): { names: string[]; values: string[] } {
  return { names: changes.map(nameOf), values: changes.map(({ value }) => value ?? '') }
}

/** The scope's document, while all guards on reserved records hold, several on one record too. */
export function scopeFilter({ scope, guards }: { scope: string; guards: readonly Guard[] }): object {
  const conditions = guards
    .filter(isOfReserved)
    .map(({ name, value }) => ({ [pathOf(name)]: value === undefined ? { $exists: false } : { $eq: value } }))
  return { _id: scopeId(scope), scope, ...(conditions.length > 0 && { $and: conditions }) }
}

function reservedUpdate({ changes }: Batch, set: object): object {
  const reserved = changes.filter(isOfReserved)
  const put = reserved.filter(({ value }) => value !== undefined)
  const removed = reserved.filter(({ value }) => value === undefined)
  const $set = { ...set, ...Object.fromEntries(put.map(({ name, value }) => [pathOf(name), value])) }
  const $unset = Object.fromEntries(removed.map(({ name }) => [pathOf(name), '']))
  // The server refuses operators without a field.
  return {
    ...(Object.keys($set).length > 0 && { $set }),
    ...(removed.length > 0 && { $unset }),
  }
}

function changesFence({ changes }: Batch): boolean {
  return changes.some(({ name }) => name === fenceName)
}

function nameOf({ name }: { readonly name: string }): string {
  return name
}

function isOfReserved({ name }: { readonly name: string }): boolean {
  return isReserved(name)
}
