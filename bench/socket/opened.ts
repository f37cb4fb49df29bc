import type { AuthenticationState } from '@whiskeysockets/baileys'

/** Where a contender keeps its session: a place of its own in each run. */
export interface Place {
  /** A folder that is there, and empty. */
  readonly folder: string
  /** The backend's server, where it has one. */
  readonly serverUrl: string
  /** The session's name, or that of its table, collection or prefix: letters, digits and `_`. */
  readonly session: string
}

/** An auth state that a bot runs on. */
export interface Opened {
  readonly state: AuthenticationState
  saveCreds(): Promise<unknown>
  close(): Promise<void>
  /** Round trips so far, where the store has no server whose connections tell them. */
  roundTrips?(): number
}

/** Opens a contender: for the first time, or again after its process was killed. */
export type Opener = (place: Place) => Promise<Opened>
