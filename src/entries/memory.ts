import { type AuthState, type AuthStateOptions, openAuthState } from '../auth-state.ts'
import { memoryStore } from '../stores/memory.ts'

export { memoryStore }

/** The options of {@link useMemoryAuthState}: those of `useAuthState`, with a session's name that matters to nobody. */
export type MemoryAuthStateOptions = Partial<AuthStateOptions>

/**
 * An auth state that lives and dies with this object: for tests, demos, and bots that pair anew at each start. Each
 * call makes a session of its own.
 */
export function useMemoryAuthState(options: MemoryAuthStateOptions = {}): Promise<AuthState> {
  return openAuthState(
    memoryStore(),
    { ...options, session: options.session ?? 'default' },
    { ownsStore: true },
  )
}
