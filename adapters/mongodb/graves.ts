import type { Commands } from './commands.ts'
import { beginsWith, recordId, scopeId } from './documents.ts'

/**
 * Longer than an owner that knows nothing of the removal may still apply what had landed before, and than two hosts'
 * clocks may differ. Where they differ by more, an adoption may fail by it; it loses nothing.
 */
const restMs = 3_600_000

/** What begins the `_id` of a grave: the note that records of an incarnation may be there, and belong to nobody. */
const gravePrefix = '!#'

/**
 * What an adoption's grave says of its records, so that of the adopter and all who might delete them one is heeded:
 * they are being `copied`; the adopter has `decided` that the scope's document follows, unless there is another; they
 * were `abandoned`, and the adopter may not make that document any more.
 */
type Adoption = 'copied' | 'decided' | 'abandoned'

/**
 * Notes that records of this incarnation, which has a document, will be nobody's when that is deleted. A note of its
 * adoption becomes this one: the document that it was about is there.
 */
export async function dig(commands: Commands, scope: string, incarnation: string): Promise<void> {
  const grave = { _id: graveId(incarnation), scope }
  const at = new Date()
  if (await commands.insert({ ...grave, at })) return
  await commands.update(grave, { $set: { at }, $unset: { adoption: '' } })
}

/** Notes that records of this incarnation are nobody's until it has a document. */
export async function digForAdoption(commands: Commands, scope: string, incarnation: string): Promise<void> {
  const adoption: Adoption = 'copied'
  await commands.insert({ _id: graveId(incarnation), scope, at: new Date(), adoption })
}

/** The adopter's last step before the scope's document. False where the records were abandoned. */
export function decide(commands: Commands, scope: string, incarnation: string): Promise<boolean> {
  return turn(commands, { _id: graveId(incarnation), scope }, 'copied', 'decided')
}

/** The note is not needed: the records belong to a scope, or are deleted. */
export async function fill(commands: Commands, scope: string, incarnation: string): Promise<void> {
  await commands.delete({ _id: graveId(incarnation), scope })
}

/** Deletes all records of an incarnation that has no document. */
export async function deleteRecords(commands: Commands, scope: string, incarnation: string): Promise<void> {
  await commands.deleteMany({ _id: beginsWith(recordId(incarnation, '')), scope })
}

/**
 * Ends every adoption of a scope but the one of `incarnation`, also one whose process was stopped a while ago and goes
 * on when that incarnation is gone: what it would bring back is deleted.
 */
export async function endAdoptions(commands: Commands, scope: string, incarnation: string): Promise<void> {
  const found = await commands.find({ _id: beginsWith(gravePrefix), scope, adoption: { $exists: true } })
  for (const grave of found) {
    const other = incarnationOf(grave)
    if (other === incarnation) continue
    await commands.update({ _id: graveId(other), scope }, { $set: { adoption: 'abandoned' } })
    await bury(commands, scope, other)
  }
}

/** A filter for the graves that {@link sweep} may be given. */
export function oldGraves(): object {
  return { at: { $lt: new Date(Date.now() - restMs) } }
}

/** Deletes what removals and adoptions left, or owners that a removal was hidden from, of those among `graves`. */
export async function sweep(commands: Commands, graves: readonly object[]): Promise<void> {
  if (graves.length === 0) return
  const ids = graves.map(grave => scopeId(String(Object(grave).scope)))
  const found = await commands.find({ _id: { $in: [...new Set(ids)] } }, { projection: { incarnation: 1 } })
  const living = new Map(found.map(document => [Object(document)._id, Object(document).incarnation]))
  for (const [index, grave] of graves.entries()) {
    const { scope, adoption } = Object(grave)
    const incarnation = incarnationOf(grave)
    const now = living.get(ids[index])
    if (now === incarnation) await fill(commands, scope, incarnation)
    else if (await mayBury(commands, grave, adoption, now !== undefined))
      await bury(commands, scope, incarnation)
  }
}

/** Whether a grave is a document of this kind. */
export function isGrave(document: object): boolean {
  const { _id, scope } = Object(document)
  return String(_id).startsWith(gravePrefix) && typeof scope === 'string'
}

/**
 * Whether records of an incarnation without a document will never have one. Once its adopter has decided, that is known
 * only when another session stands in its place: until then its next command may be on its way.
 */
async function mayBury(
  commands: Commands,
  grave: object,
  adoption: unknown,
  hasOther: boolean,
): Promise<boolean> {
  if (adoption === undefined || adoption === 'abandoned') return true
  if (adoption === 'decided' && !hasOther) return false
  const { _id, scope } = Object(grave)
  return turn(commands, { _id, scope }, adoption === 'decided' ? 'decided' : 'copied', 'abandoned')
}

async function bury(commands: Commands, scope: string, incarnation: string): Promise<void> {
  await deleteRecords(commands, scope, incarnation)
  await fill(commands, scope, incarnation)
}

function turn(commands: Commands, grave: object, from: Adoption, to: Adoption): Promise<boolean> {
  return commands.update({ ...grave, adoption: from }, { $set: { adoption: to } })
}

function incarnationOf(grave: object): string {
  return String(Object(grave)._id).slice(gravePrefix.length)
}

function graveId(incarnation: string): string {
  return gravePrefix + incarnation
}
