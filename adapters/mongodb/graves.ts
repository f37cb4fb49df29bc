import type { Commands } from './commands.ts'
import { beginsWith, recordId, scopeId } from './documents.ts'

/**
 * Longer than an owner that knows nothing of the removal may still apply what had landed before, and than two hosts'
 * clocks may differ.
 */
const restMs = 3_600_000

/** What begins the `_id` of a grave: the note that records of an incarnation may be there, and belong to nobody. */
const gravePrefix = '!#'

/** Notes that records of this incarnation are nobody's, unless there is a scope's document that says otherwise. */
export async function dig(commands: Commands, scope: string, incarnation: string): Promise<void> {
  await commands.insert({ _id: graveId(incarnation), scope, at: new Date() })
}

/** The note is not needed: the records belong to a scope, or are deleted. */
export async function fill(commands: Commands, scope: string, incarnation: string): Promise<void> {
  await commands.delete({ _id: graveId(incarnation), scope })
}

/** Deletes all records of an incarnation that has no document. */
export async function deleteRecords(commands: Commands, scope: string, incarnation: string): Promise<void> {
  await commands.deleteMany({ _id: beginsWith(recordId(incarnation, '')), scope })
}

/** Deletes what a removal left, or the owner that it was hidden from, of those among `graves` that are old enough. */
export async function sweep(commands: Commands, graves: readonly object[]): Promise<void> {
  for (const grave of graves) {
    const { _id, scope, at } = Object(grave)
    if (typeof scope !== 'string' || !(Number(at) < Date.now() - restMs)) continue
    const incarnation = String(_id).slice(gravePrefix.length)
    const [living] = await commands.find(
      { _id: scopeId(scope), scope, incarnation },
      { projection: { seq: 1 } },
    )
    if (!living) await deleteRecords(commands, scope, incarnation)
    await fill(commands, scope, incarnation)
  }
}

/** Whether a document is a grave. */
export function isGrave(document: object): boolean {
  return String(Object(document)._id).startsWith(gravePrefix)
}

function graveId(incarnation: string): string {
  return gravePrefix + incarnation
}
