import * as baileys from '@whiskeysockets/baileys'
import { type AuthState, type AuthStateOptions, useAuthState } from '../../../src/auth-state.ts'
import { isAuthStateError } from '../../../src/errors.ts'
import { fenceName, recordName, scopeOf } from '../../../src/names.ts'
import { type Fence, parseFence } from '../../../src/session/fence.ts'
import type { Store } from '../../../src/store.ts'

/** The session's name in these tests. */
export const session = 'shop'
/** Its scope. */
export const scope: string = scopeOf(session)

/** Opens the session, silent unless the options have a logger. */
export function open(store: Store, options: Partial<AuthStateOptions> = {}): Promise<AuthState> {
  // What these tests count and hold back is reads.
  const cache = { preload: false, ...options.cache }
  return useAuthState(store, { session, logger: false, ...options, cache, baileys })
}

/** Sets texts under ids. */
export function put(auth: AuthState, data: { [id: string]: string | null }): Promise<void> {
  return auth.state.keys.set({ 'lid-mapping': data })
}

/** The text under an id, through the session. */
export async function pick(auth: AuthState, id: string): Promise<string | null> {
  const found = await auth.state.keys.get('lid-mapping', [id])
  return found[id] ?? null
}

/** What the store holds under an id. */
export async function stored(store: Store, id: string, of: string = session): Promise<unknown> {
  const [text] = await store.read(scopeOf(of), [recordName('lid-mapping', id)])
  return text === undefined ? undefined : JSON.parse(text)
}

/** The record name of an id. */
export function nameOf(id: string): string {
  return recordName('lid-mapping', id)
}

/** Who owns a session, by its fence. */
export async function fenceOf(store: Store, of: string = session): Promise<Fence | undefined> {
  const [text] = await store.read(scopeOf(of), [fenceName])
  const fence = text === undefined ? undefined : parseFence(text)
  return typeof fence === 'object' ? fence : undefined
}

/** What a promise rejects with: its code and message; fails the test when it resolves. */
export async function rejection(promise: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error: unknown = await promise.then(
    () => undefined,
    caught => caught ?? {},
  )
  if (error === undefined) throw new Error('The call resolved, and should have rejected.')
  const { code, message } = Object(error)
  if (!isAuthStateError(error) && code === undefined) throw error
  return { code: String(code), message: String(message) }
}

/** Resolves when a signal has fired, with its reason's code. */
export function aborted(auth: AuthState): Promise<string> {
  return new Promise(resolve => {
    const done = () => resolve(String(Object(auth.signal.reason).code))
    if (auth.signal.aborted) done()
    else auth.signal.addEventListener('abort', done)
  })
}

/** Whether a promise has settled after some turns of the event loop. */
export async function hasSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const done = () => {
    settled = true
  }
  promise.then(done, done)
  for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
  return settled
}

/** Asks again and again until `isTrue` says so; the test's own timeout ends it. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise(resolve => setTimeout(resolve, 5))
}
