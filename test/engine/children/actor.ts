// Opens sessions as its parent tells it to, in a process or a worker thread of its own.
import { isMainThread, parentPort } from 'node:worker_threads'
import * as baileys from '@whiskeysockets/baileys'
import { type AuthState, useAuthState } from '../../../src/auth-state.ts'
import type { Opener } from '../../stores/server-store.ts'
import { isServerUrl, serverStoreOf } from '../../stores/server-stores.ts'
import { sharedStore } from '../shared-store/shared-store.ts'
import type { Act, ActorError, ActorMessage } from './actor-messages.ts'

const handles: AuthState[] = []
/** Of servers' URLs: one client for each session, however often that is opened. */
const openers = new Map<string, Opener>()

function say(message: ActorMessage): void {
  if (isMainThread) process.send?.(message)
  else parentPort?.postMessage(message)
}

async function act(what: Act): Promise<unknown> {
  if (what.do === 'open') {
    const auth = await open(what)
    handles.push(auth)
    auth.signal.addEventListener('abort', () => say({ aborted: describe(auth.signal.reason) }))
    const { registrationId, nextPreKeyId } = auth.state.creds
    return { handle: handles.length - 1, registrationId, nextPreKeyId }
  }
  const auth = handles[what.handle ?? handles.length - 1]
  if (!auth) throw new Error('Nothing is open.')
  if (what.do === 'set') await auth.state.keys.set({ 'lid-mapping': { ...what.data } })
  else if (what.do === 'get') return await auth.state.keys.get('lid-mapping', [...what.ids])
  else if (what.do === 'saveCreds') {
    auth.state.creds.nextPreKeyId = what.nextPreKeyId
    await auth.saveCreds()
  } else await auth[what.do]()
  return null
}

async function open({ url, store, options }: Extract<Act, { do: 'open' }>): Promise<AuthState> {
  const all = { logger: false, ...options, baileys } as const
  if (!isServerUrl(url)) return useAuthState(sharedStore(url, store), all)
  const key = `${url} ${options.session}`
  const opener = openers.get(key) ?? (await serverStoreOf(url)).opener(url, all)
  openers.set(key, opener)
  return opener.open()
}

function describe(error: unknown): ActorError {
  const { code, message } = Object(error)
  return { code: String(code), message: String(message) }
}

function take({ id, what }: { readonly id: number; readonly what: Act }): void {
  act(what).then(
    result => say({ id, result }),
    error => say({ id, error: describe(error) }),
  )
}

if (isMainThread) process.on('message', take)
else parentPort?.on('message', take)
say({ ready: true })
