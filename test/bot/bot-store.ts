import { type AuthState, type AuthStateOptions, useAuthState, useMultiFileAuthState } from 'baileys-authkit'
import { multiFileStore } from 'baileys-authkit/multi-file'
import { sealed } from 'baileys-authkit/sealed'
import { sqliteStore, useSqliteAuthState } from 'baileys-authkit/sqlite'

/** Where a session lies, in words that can be handed to another process. */
export interface BotStore {
  /** `file:PATH` of a folder, or `sqlite:PATH` of a database. */
  readonly url: string
  /** Which of the database's sessions, or of the sealed folders. */
  readonly session: string
  /** 32 bytes in base64: what is stored is encrypted, and its records' names are hidden. */
  readonly sealKey?: string
}

type Options = Omit<AuthStateOptions, 'session'>

/** How a bot opens its session there, again at each connection: by the function that README has for that store. */
export function openerOf({ url, session, sealKey }: BotStore, options: Options): () => Promise<AuthState> {
  const path = pathOf(url)
  const isSqlite = url.startsWith('sqlite:')
  if (sealKey === undefined) {
    return isSqlite
      ? () => useSqliteAuthState(path, { ...options, session })
      : () => useMultiFileAuthState(path, options)
  }
  const keys = { main: Buffer.from(sealKey, 'base64') }
  const store = sealed(isSqlite ? sqliteStore(path) : multiFileStore(path), { keys, hideNames: true })
  return () => useAuthState(store, { ...options, session })
}

/** The path in such a URL. */
export function pathOf(url: string): string {
  return url.replace(/^(file|sqlite):(\/\/)?/, '')
}
