import { folderScope, folderStore, multiFileStore } from '../../adapters/multi-file.ts'
import { type AuthState, type AuthStateOptions, openAuthState } from '../auth-state.ts'
import { createLog } from '../log.ts'
import { checkObject, commonOptions } from '../options.ts'

export { multiFileStore }

/** The options of {@link useMultiFileAuthState}: the folder is the session, so it has no other name. */
export interface MultiFileAuthStateOptions extends Omit<AuthStateOptions, 'session'> {
  /**
   * `'relaxed'` does without fdatasync: what was acknowledged survives a kill of the process, but not a power cut.
   * @default 'full'
   */
  readonly durability?: 'full' | 'relaxed'
}

/**
 * Baileys' `useMultiFileAuthState`, made safe: the same folder and the same file names, so that a folder made by
 * Baileys opens as it is, and Baileys opens ours again after `close()`.
 *
 * @throws TypeError for wrong options
 * @throws AuthStateError as `useAuthState`, and `STORE_UNUSABLE` for a file where the folder should be
 *
 * @example
 * const { state, saveCreds } = await useMultiFileAuthState('auth_info')
 */
export function useMultiFileAuthState(
  folder: string,
  options: MultiFileAuthStateOptions = {},
): Promise<AuthState> {
  if (typeof folder !== 'string' || folder === '')
    throw new TypeError('useMultiFileAuthState takes the path of a folder.')
  checkObject('options', options, ['durability', ...commonOptions])
  const { durability = 'full', ...rest } = options
  const log = createLog(options.logger, { kind: 'multi-file', session: folder })
  const store = folderStore(folder, { durability, warn: log.warn })
  return openAuthState(store, { ...rest, session: folder }, { ownsStore: true, scope: folderScope })
}
