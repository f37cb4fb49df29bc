import type {
  AuthenticationState,
  BaileysEventMap,
  makeWASocket,
  UserFacingSocketConfig,
  WAMessage,
  WASocket,
} from '@whiskeysockets/baileys'
import { quietLibsignal } from './quiet-libsignal.ts'
import { collectingLogger, type LogLine } from './quiet-logger.ts'
import type { RootCertificate } from './server-identity.ts'
import { type TrustingModule, trust } from './trust.ts'
import { unrefLongTimers } from './unref-long-timers.ts'
import { within } from './within.ts'

/** A Baileys module of either line. */
export interface BaileysModule extends TrustingModule {
  readonly makeWASocket: (config: never) => unknown
}

/** A server, in this process or another, as far as a client has to know it. */
export interface ServerHandle {
  readonly url: string
  readonly root: RootCertificate
  /** The phone of this number scans a QR code; resolves with the linked device's address. */
  scan(qr: string, number: string): Promise<string>
}

/** How a socket is made. */
export interface ConnectOptions {
  readonly baileys: BaileysModule
  readonly auth: AuthenticationState
  readonly server: Pick<ServerHandle, 'url' | 'root'>
  /** Called for each `creds.update`, as every bot does. */
  readonly saveCreds?: () => unknown
  /** Gets what the socket logs at level warn and above. */
  readonly log?: LogLine[]
  /** More options for the socket; the rest stays as Baileys has it. */
  readonly config?: Partial<UserFacingSocketConfig>
}

/** Makes a real socket that talks to the server and prints nothing. A socket of 6.7 goes by the type of 7's. */
export function connectSocket({ baileys, auth, server, saveCreds, log, config }: ConnectOptions): WASocket {
  trust(baileys, server)
  unrefLongTimers()
  quietLibsignal()
  const make = baileys.makeWASocket as typeof makeWASocket // What the helpers below use is alike in both lines.
  const sock = make({ auth, waWebSocketUrl: server.url, logger: collectingLogger(log), ...config })
  if (saveCreds) sock.ev.on('creds.update', () => void saveCreds())
  return sock
}

/** Resolves when the socket is logged in; rejects with the socket's error if it closes instead. */
export function untilOpen(sock: WASocket): Promise<void> {
  return connectionUpdate(
    sock,
    'the connection to open',
    ({ connection }) => connection === 'open' || undefined,
  ).then(() => {})
}

/** Resolves with the text of the next QR code. */
export function untilQr(sock: WASocket): Promise<string> {
  return connectionUpdate(sock, 'a QR code', ({ qr }) => qr)
}

/** Resolves with the status code under which the socket closes; undefined where it was ended without an error. */
export function untilClosed(sock: WASocket): Promise<number | undefined> {
  const closed = new Promise<number | undefined>(resolve => {
    sock.ev.on('connection.update', ({ connection, lastDisconnect }) => {
      if (connection === 'close') resolve(statusCodeOf(lastDisconnect?.error))
    })
  })
  const bounded = within(closed, 'the connection to close')
  // It is often waited for only after something else, whose failure is the one to report.
  bounded.catch(() => {})
  return bounded
}

/** Closes a socket from the client's side and waits until it has. */
export async function endSocket(sock: WASocket): Promise<void> {
  const closed = untilClosed(sock)
  await sock.end(undefined)
  await closed
}

/** Links a new device by QR code, through the restart that WhatsApp asks for; resolves with the opened socket. */
export async function pairByQr(
  options: ConnectOptions & { readonly server: ServerHandle; readonly number: string },
): Promise<WASocket> {
  const first = connectSocket(options)
  const closed = untilClosed(first)
  await options.server.scan(await untilQr(first), options.number)
  const code = await closed
  if (code !== 515) throw new Error(`the socket closed with ${code} after pairing`)
  const second = connectSocket(options)
  await untilOpen(second)
  return second
}

/** What a socket was handed, in order. */
export interface Inbox {
  /** The messages; those without content are left out. */
  readonly messages: WAMessage[]
  /** Their texts. */
  texts(): string[]
  /** Resolves when all of these texts have come; rejects with those that are missing. */
  untilTexts(expected: readonly string[], timeoutMs?: number): Promise<void>
}

/** Collects the messages that a socket hands to its bot from now on: those of others, or those of its own user. */
export function inboxOf(sock: WASocket, fromMe = false): Inbox {
  const messages: WAMessage[] = []
  const texts = (): string[] => messages.map(textOfMessage).filter(text => text !== '')
  const untilTexts = async (expected: readonly string[], timeoutMs?: number): Promise<void> => {
    const missing = (): string[] => expected.filter(text => !texts().includes(text))
    const arrived = new Promise<void>(resolve => {
      const check = (): void => {
        if (missing().length > 0) return
        sock.ev.off('messages.upsert', check)
        resolve()
      }
      sock.ev.on('messages.upsert', check)
      check()
    })
    await within(arrived, 'messages', timeoutMs).catch(() => {
      throw new Error(`messages that did not come: ${missing().join(', ')}; came: ${texts().join(', ')}`)
    })
  }
  sock.ev.on('messages.upsert', upsert => {
    messages.push(...upsert.messages.filter(message => !!message.key.fromMe === fromMe && message.message))
  })
  return { messages, texts, untilTexts }
}

/** The text of a message, empty where it has none. */
export function textOfMessage({ message }: WAMessage): string {
  return message?.conversation || message?.extendedTextMessage?.text || ''
}

/** The status code that Baileys puts on an error. */
export function statusCodeOf(error: Error | undefined): number | undefined {
  const { output } = (error ?? {}) as { output?: { statusCode?: number } } // A Boom, perhaps of another copy of boom.
  return output?.statusCode
}

function connectionUpdate<T>(
  sock: WASocket,
  what: string,
  pick: (update: BaileysEventMap['connection.update']) => T | undefined,
): Promise<T> {
  let listener: ((update: BaileysEventMap['connection.update']) => void) | undefined
  const picked = new Promise<T>((resolve, reject) => {
    listener = update => {
      const value = pick(update)
      if (value !== undefined) resolve(value)
      else if (update.connection === 'close')
        reject(update.lastDisconnect?.error ?? new Error('the socket was ended'))
    }
    sock.ev.on('connection.update', listener)
  })
  return within(picked, what).finally(() => {
    if (listener) sock.ev.off('connection.update', listener)
  })
}
