import { randomUUID } from 'node:crypto'
import * as baileys7 from '@whiskeysockets/baileys'
import * as baileys6 from 'baileys-6'
import {
  type BaileysModule,
  type ConnectOptions,
  connectSocket,
  endSocket,
  type Inbox,
  inboxOf,
  pairByQr,
  untilOpen,
} from './client.ts'
import { type MemoryAuthState, memoryAuthState } from './memory-auth-state.ts'
import type { LogLine } from './quiet-logger.ts'
import { WhatsAppServer } from './server.ts'
import { within } from './within.ts'

/** The lines of Baileys that tests run against. */
export const baileysLines: { readonly [line in BaileysLine]: BaileysModule } = {
  '7': baileys7,
  '6.7': baileys6,
}

/** The name of a line. */
export type BaileysLine = '7' | '6.7'

/** Every way to put one line on each end. */
export const combinations: readonly (readonly [BaileysLine, BaileysLine])[] = [
  ['7', '7'],
  ['7', '6.7'],
  ['6.7', '7'],
  ['6.7', '6.7'],
]

/** What stands in the log of a socket whose Signal records were lost or mixed up. */
export const brokenSession: RegExp =
  /Bad MAC|No session|No matching sessions|Invalid PreKey|Key used already|MessageCounterError/

/** A linked device with its socket, its state in memory, and what it got. */
export interface Bot {
  readonly line: BaileysLine
  readonly number: string
  readonly jid: string
  /** The user's address, to write to. */
  readonly user: string
  readonly log: LogLine[]
  auth: MemoryAuthState
  sock: baileys7.WASocket
  inbox: Inbox
  /** What other devices of the same user sent. */
  own: Inbox
}

/** A server and the bots on it, for the tests of one file. */
export class Bots implements AsyncDisposable {
  readonly server: WhatsAppServer
  readonly #sockets: Set<baileys7.WASocket> = new Set()
  #lastNumber = 15_550_000

  private constructor(server: WhatsAppServer) {
    this.server = server
  }

  /** Starts a server without bots. */
  static async start(): Promise<Bots> {
    return new Bots(await WhatsAppServer.start())
  }

  /** Links a new device: of a new user, or of the number given. */
  async pair(line: BaileysLine, number?: string, config?: ConnectOptions['config']): Promise<Bot> {
    this.#lastNumber += 1
    const own = number ?? String(this.#lastNumber)
    const auth = memoryAuthState()
    const log: LogLine[] = []
    const options = {
      baileys: baileysLines[line],
      auth,
      server: this.server,
      number: own,
      log,
      config: config ?? {},
    }
    const sock = await pairByQr(options)
    this.#sockets.add(sock)
    const user = `${own}@s.whatsapp.net`
    return {
      line,
      number: own,
      jid: auth.creds.me?.id ?? '',
      user,
      log,
      auth,
      sock,
      inbox: inboxOf(sock),
      own: inboxOf(sock, true),
    }
  }

  /** Makes a new socket for a bot whose old one is gone, and a new inbox with it. */
  async reconnect(bot: Bot, auth: MemoryAuthState = bot.auth): Promise<void> {
    this.#sockets.delete(bot.sock)
    bot.auth = auth
    bot.sock = connectSocket({ baileys: baileysLines[bot.line], auth, server: this.server, log: bot.log })
    bot.inbox = inboxOf(bot.sock)
    bot.own = inboxOf(bot.sock, true)
    this.#sockets.add(bot.sock)
    await untilOpen(bot.sock)
  }

  /** Sends a text and waits until the server has taken it; Baileys doesn't. Returns the message's id. */
  async send(from: Bot, to: string, text: string): Promise<string> {
    const id = `TEST${randomUUID().replaceAll('-', '').toUpperCase()}`
    const taken = new Promise<string>(resolve => {
      const listener = (message: { readonly id: string }): void => {
        if (message.id !== id) return
        this.server.off('message', listener)
        resolve(id)
      }
      this.server.on('message', listener)
    })
    await from.sock.sendMessage(to, { text }, { messageId: id })
    return within(taken, `the server to take "${text}"`)
  }

  /** Takes a socket that a test made itself among those that are ended with the rest. */
  own(sock: baileys7.WASocket): baileys7.WASocket {
    this.#sockets.add(sock)
    return sock
  }

  /** Ends all sockets and the server. */
  async [Symbol.asyncDispose](): Promise<void> {
    const sockets = [...this.#sockets]
    await Promise.all(sockets.filter(sock => sock.ws.isOpen).map(endSocket))
    await this.server.stop()
  }
}
