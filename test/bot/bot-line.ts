import type { BaileysLine } from '../whatsapp/bots.ts'
import type { ServerHandle } from '../whatsapp/client.ts'
import type { BotStore } from './bot-store.ts'

/** What a bot in a process of its own is started with. */
export interface BotSettings {
  readonly store: BotStore
  readonly line: BaileysLine
  readonly server: Pick<ServerHandle, 'url' | 'root'>
}

/** What such a bot is told on standard input, a JSON line each: to send a text. */
export interface BotOrder {
  readonly to: string
  readonly text: string
}

/** What such a bot says, a JSON line each. */
export type BotLine =
  /** The auth state is open; `paired` before the socket has said a word. */
  | { readonly is: 'opened'; readonly paired: boolean }
  | { readonly is: 'qr'; readonly qr: string }
  /** Logged in, under this address. */
  | { readonly is: 'open'; readonly jid: string }
  /** A message's text, as soon as the step of the ratchet that decrypted it is stored, and before the server knows. */
  | { readonly is: 'decrypted'; readonly text: string }
  /** Baileys could not decrypt a message, and why. */
  | { readonly is: 'failed'; readonly id: string; readonly why: string }
  | { readonly is: 'closed'; readonly code: number | null }
  /** A warning or an error, of the socket or of the auth state. */
  | { readonly is: 'log'; readonly text: string }

/**
 * Why Baileys gives up on a message that comes twice: its key was used by a decryption that is stored. A process that
 * dies between that and its receipt gets the message again; this is how it says that it has it.
 */
export const decryptedBefore = 'Key used already or never filled'
