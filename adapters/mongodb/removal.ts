import type { Guard } from '../../src/store.ts'
import { deleteGuides } from './adoption.ts'
import type { Commands } from './commands.ts'
import { deleteRecords, dig, endAdoptions } from './graves.ts'
import { scopeFilter } from './landing.ts'
import { readScope } from './reading.ts'
import type { Scopes } from './scopes.ts'
import { trouble } from './trouble.ts'

const mostAttempts = 1_000

/**
 * Removes a scope under its guards: by the deletion of its document, after which its records are nobody's, whoever
 * may still write them. One that adopts the guides' documents, as `adopts` says, or has adopted them, takes along what
 * is there of those: what an old bot wrote since would be taken for a session of its own, or for one without creds.
 */
export async function removeScope(
  commands: Commands,
  scopes: Scopes,
  scope: string,
  guards: readonly Guard[],
  { adopts }: { readonly adopts: boolean },
): Promise<boolean> {
  const names = guards.map(({ name }) => name)
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const { document, texts } = await readScope(commands, scopes, scope, names)
    if (guards.some(({ name, value }) => texts.get(name) !== value)) return false
    if (!document) return true
    const { incarnation, seq } = document
    await dig(commands, scope, incarnation)
    if (adopts || document.adopted !== undefined) {
      // While the session is there nobody takes them for another; without it, somebody would. Adoptions end after that:
      // one that begins later finds nothing to adopt.
      await deleteGuides(commands)
      await endAdoptions(commands, scope, incarnation)
    }
    if (await commands.delete({ ...scopeFilter({ scope, guards }), incarnation, seq })) {
      scopes.forget(scope)
      await deleteRecords(commands, scope, incarnation)
      return true
    }
  }
  throw trouble('WRITE_FAILED', 'Too many others write the same session of the MongoDB collection.')
}
