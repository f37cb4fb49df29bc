import { type AuthStateOptions, useAuthState, useMultiFileAuthState } from 'baileys-authkit'
import { multiFileStore } from 'baileys-authkit/multi-file'
import { sealed } from 'baileys-authkit/sealed'
import { sqliteStore, useSqliteAuthState } from 'baileys-authkit/sqlite'
import type { Opener } from '../stores/server-store.ts'
import { isServerUrl, serverStoreOf } from '../stores/server-stores.ts'

/** Where a session lies, in words that can be handed to another process. */
export interface BotStore {
  /** `file:PATH` of a folder, `sqlite:PATH` of a database, or a server's URL. */
  readonly url: string
  /** Which of the database's sessions, or of the sealed folders. */
  readonly session: string
  /** 32 bytes in base64: what is stored is encrypted, and its records' names are hidden. */
  readonly sealKey?: string
}

type Options = Omit<AuthStateOptions, 'session'>

/** How a bot opens its session there, again at each connection: by the function that README has for that store. */
export async function openerOf({ url, session, sealKey }: BotStore, options: Options): Promise<Opener> {
  const wanted = { ...options, session }
  if (sealKey !== undefined) {
    const { store, close } = await storeOf(url)
    const keys = { main: Buffer.from(sealKey, 'base64') }
    const safe = sealed(store, { keys, hideNames: true })
    return { open: () => useAuthState(safe, wanted), close }
  }
  if (isServerUrl(url)) return (await serverStoreOf(url)).opener(url, wanted)
  const path = pathOf(url)
  const open = url.startsWith('sqlite:')
    ? () => useSqliteAuthState(path, wanted)
    : () => useMultiFileAuthState(path, options)
  return { open, close: async () => {} }
}

/** The path in the URL of a folder or a database file. */
export function pathOf(url: string): string {
  return url.replace(/^(file|sqlite):(\/\/)?/, '')
}

async function storeOf(
  url: string,
): Promise<{ store: Parameters<typeof sealed>[0]; close(): Promise<void> }> {
  if (isServerUrl(url)) {
    const { store, close } = await (await serverStoreOf(url)).open(url)
    return { store, close }
  }
  const store = url.startsWith('sqlite:') ? sqliteStore(pathOf(url)) : multiFileStore(pathOf(url))
  return { store, close: () => store.close() }
}
