import type { AuthenticationState } from '@whiskeysockets/baileys'
import type { Place } from '../places.ts'

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
