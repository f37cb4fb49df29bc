import { type PostgresClient, type PostgresStoreOptions, postgresStore } from '../../adapters/postgres.ts'
import { type AuthState, type AuthStateOptions, openAuthState } from '../auth-state.ts'
import { checkObject, commonOptions } from '../options.ts'

export type {
  PgClient,
  PgQuery,
  PostgresClient,
  PostgresJsClient,
  PostgresSchemaOptions,
  PostgresStoreOptions,
} from '../../adapters/postgres.ts'
export { postgresSchema } from '../../adapters/postgres.ts'
export { postgresStore }

/** The options of {@link usePostgresAuthState}. */
export interface PostgresAuthStateOptions extends AuthStateOptions, PostgresStoreOptions {}

/**
 * An auth state in PostgreSQL, in a table that holds any number of sessions and is created where there is none. The
 * client stays the caller's: pass the same `Pool` to every call, and end it after the sessions.
 *
 * @throws TypeError for wrong options, and for what is no client
 * @throws AuthStateError as `useAuthState`, and `STORE_UNUSABLE` where the server lets nobody in or the table is another
 *
 * @example
 * const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
 * pool.on('error', error => console.error('PostgreSQL:', error.message))
 * const { state, saveCreds } = await usePostgresAuthState(pool, { session: 'shop-1' })
 */
export async function usePostgresAuthState(
  client: PostgresClient,
  options: PostgresAuthStateOptions,
): Promise<AuthState> {
  checkObject('options', options, ['session', 'table', 'schema', ...commonOptions])
  const { table, schema, ...rest } = options
  return openAuthState(postgresStore(client, { table, schema }), rest, { ownsStore: true })
}
