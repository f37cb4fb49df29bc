import { type MongoCollection, mongoStore } from '../../adapters/mongodb.ts'
import { type AuthState, type AuthStateOptions, openAuthState } from '../auth-state.ts'
import { scopeOf } from '../names.ts'
import { checkObject, commonOptions } from '../options.ts'

export type { MongoCollection, MongoCursor } from '../../adapters/mongodb.ts'
export { mongoStore }

/** The options of {@link useMongoAuthState}. */
export interface MongoAuthStateOptions extends Omit<AuthStateOptions, 'session'> {
  /** Which of the collection's sessions: any text but the empty one. @default 'default' */
  readonly session?: string
}

const defaultSession = 'default'

/**
 * An auth state in a MongoDB collection, which may hold any number of sessions. Without the option `session`, a session
 * that the `useMongoAuthState` of the guides has left in the collection (documents `creds` and `<type>-<id>` with a text
 * `data`) is taken over at the first call, whole or not at all, and its old documents are deleted.
 *
 * @throws TypeError for wrong options
 * @throws AuthStateError as `useAuthState`, and `STORE_UNUSABLE` for a collection that can't hold a session
 *
 * @example
 * const client = await new MongoClient(url).connect()
 * const { state, saveCreds } = await useMongoAuthState(client.db().collection('auth'))
 */
export async function useMongoAuthState(
  collection: MongoCollection,
  options: MongoAuthStateOptions = {},
): Promise<AuthState> {
  checkObject('options', options, ['session', ...commonOptions])
  const { session = defaultSession, ...rest } = options
  const store = mongoStore(collection, session === defaultSession ? { adopt: scopeOf(session) } : {})
  return openAuthState(store, { ...rest, session }, { ownsStore: true })
}
