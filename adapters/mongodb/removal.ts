import type { Guard } from '../../src/store.ts'
import { deleteGuides } from './adoption.ts'
import type { Commands } from './commands.ts'
import { deleteRecords, dig } from './graves.ts'
import { scopeFilter } from './landing.ts'
import { readScope } from './reading.ts'
import type { Scopes } from './scopes.ts'
import { trouble } from './trouble.ts'

const mostAttempts = 1_000

/**
 * Removes a scope under its guards: by the deletion of its document, after which its records are nobody's, whoever
 * may still write them.
 */
export async function removeScope(
  commands: Commands,
  scopes: Scopes,
  scope: string,
  guards: readonly Guard[],
): Promise<boolean> {
  const names = guards.map(({ name }) => name)
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const { document, texts } = await readScope(commands, scopes, scope, names)
    if (guards.some(({ name, value }) => texts.get(name) !== value)) return false
    if (!document) return true
    const { incarnation, seq } = document
    await dig(commands, scope, incarnation)
    // While the session is there nobody takes them for another; without it, somebody would.
    if (document.adopted !== undefined) await deleteGuides(commands)
    if (await commands.delete({ ...scopeFilter({ scope, guards }), incarnation, seq })) {
      scopes.forget(scope)
      await deleteRecords(commands, scope, incarnation)
      return true
    }
  }
  throw trouble('WRITE_FAILED', 'Too many others write the same session of the MongoDB collection.')
}
