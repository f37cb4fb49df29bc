import {
  type MySQLCallbackPool,
  type MySQLPool,
  type MySQLStoreOptions,
  mysqlSchema,
  mysqlStore,
} from '../../adapters/mysql.ts'
import { type AuthState, type AuthStateOptions, openAuthState } from '../auth-state.ts'
import { checkObject, commonOptions } from '../options.ts'

export type {
  MySQLCallbackPool,
  MySQLConnection,
  MySQLPool,
  MySQLQuery,
  MySQLSchemaOptions,
  MySQLStoreOptions,
} from '../../adapters/mysql.ts'
export { mysqlSchema, mysqlStore }

/** The options of {@link useMySQLAuthState}. */
export interface MySQLAuthStateOptions extends AuthStateOptions, MySQLStoreOptions {}

/**
 * An auth state in a table of MySQL or MariaDB, which may hold any number of sessions, of any number of processes.
 * The pool stays the caller's: end it after the sessions.
 *
 * @throws TypeError for wrong options, and for what is no pool of `mysql2`
 * @throws AuthStateError as `useAuthState`, and `STORE_UNUSABLE` for what the server refuses for good
 *
 * @example
 * const pool = createPool('mysql://bot:secret@localhost/bots')
 * const { state, saveCreds } = await useMySQLAuthState(pool, { session: 'shop-1' })
 */
export async function useMySQLAuthState(
  pool: MySQLPool | MySQLCallbackPool,
  options: MySQLAuthStateOptions,
): Promise<AuthState> {
  checkObject('options', options, ['session', 'table', ...commonOptions])
  const { table, ...rest } = options
  const store = mysqlStore(pool, table === undefined ? {} : { table })
  return openAuthState(store, rest, { ownsStore: true })
}
