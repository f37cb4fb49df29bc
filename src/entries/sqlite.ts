import { type SqliteDatabase, type SqliteStoreOptions, sqliteStore } from '../../adapters/sqlite.ts'
import { type AuthState, type AuthStateOptions, openAuthState } from '../auth-state.ts'
import { checkObject, commonOptions } from '../options.ts'

export type {
  SqliteDatabase,
  SqliteDurability,
  SqliteStatement,
  SqliteStoreOptions,
  SqliteValue,
} from '../../adapters/sqlite.ts'
export { sqliteStore }

/** The options of {@link useSqliteAuthState}. */
export interface SqliteAuthStateOptions
  extends Omit<AuthStateOptions, 'session'>,
    Pick<SqliteStoreOptions, 'durability'> {
  /** Which of the database's sessions: any text but the empty one. @default 'default' */
  readonly session?: string
}

/**
 * An auth state in an SQLite database, which may hold any number of sessions: all that this process opens there share
 * one connection, and what they save at once shares one commit.
 *
 * @throws TypeError for wrong options, and where neither Node nor an installed `better-sqlite3` has SQLite
 * @throws AuthStateError as `useAuthState`, and `STORE_UNUSABLE` for what is no database, or damaged
 *
 * @example
 * const { state, saveCreds } = await useSqliteAuthState('bots.db', { session: 'shop-1' })
 */
export async function useSqliteAuthState(
  pathOrDatabase: string | SqliteDatabase,
  options: SqliteAuthStateOptions = {},
): Promise<AuthState> {
  checkObject('options', options, ['session', 'durability', ...commonOptions])
  const { durability = 'full', session = 'default', ...rest } = options
  const store = sqliteStore(pathOrDatabase, { durability })
  return openAuthState(store, { ...rest, session }, { ownsStore: true })
}
