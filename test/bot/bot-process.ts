import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { WAMessageKey, WASocket } from '@whiskeysockets/baileys'
import type { AuthState, Logger } from 'baileys-authkit'
import { type ConnectOptions, connectSocket, statusCodeOf } from '../whatsapp/client.ts'
import type { LogLine } from '../whatsapp/quiet-logger.ts'
import type { BotLine, BotOrder, BotSettings } from './bot-line.ts'
import { openerOf } from './bot-store.ts'

/**
 * A bot in a process of its own, to be killed. It says what happens to it on standard output, and reconnects as the
 * guides' bots do, by opening its auth state again. Its settings come as JSON in the environment's `BOT`.
 */
const settings: BotSettings = JSON.parse(process.env.BOT ?? '')
const baileys = settings.line === '7' ? await import('@whiskeysockets/baileys') : await import('baileys-6')
const loggedOut = 401
const replaced = 440
let current: { readonly auth: AuthState; readonly sock: WASocket } | undefined
let isEnding = false
const opener = await openerOf(settings.store, { baileys, logger: complaints() })

process.once('SIGTERM', () => void end())
createInterface({ input: process.stdin }).on('line', line => {
  const { to, text }: BotOrder = JSON.parse(line)
  current?.sock.sendMessage(to, { text }).catch(fail)
})
await connect().catch(fail)

async function connect(): Promise<void> {
  const auth = await opener.open()
  say({ is: 'opened', paired: auth.state.creds.account !== undefined })
  const sock = connectSocket({
    baileys,
    // Both lines' types differ from each other in fields that no bot of ours uses.
    auth: auth.state as ConnectOptions['auth'],
    server: settings.server,
    log: sayingLog(),
  })
  current = { auth, sock }
  auth.bind(sock.ev, { onFatal: fail })
  sayDecrypted(sock)
  sock.ev.on('connection.update', ({ connection, lastDisconnect, qr }) => {
    if (qr) say({ is: 'qr', qr })
    if (connection === 'open') say({ is: 'open', jid: sock.user?.id ?? '' })
    if (connection !== 'close' || isEnding) return
    const code = statusCodeOf(lastDisconnect?.error)
    say({ is: 'closed', code: code ?? null })
    if (code !== loggedOut && code !== replaced) connect().catch(fail)
  })
}

/**
 * Says each message at the one moment that counts here: its step of the ratchet is stored, and neither the server nor
 * the bot's own code has heard of it yet.
 */
function sayDecrypted(sock: WASocket): void {
  const { signalRepository } = sock
  const { decryptMessage, decryptGroupMessage } = signalRepository
  signalRepository.decryptMessage = async options => sayText(await decryptMessage(options))
  signalRepository.decryptGroupMessage = async options => sayText(await decryptGroupMessage(options))
}

function sayText(plaintext: Uint8Array): Uint8Array {
  const padding = plaintext.at(-1) ?? 0
  const message = baileys.proto.Message.decode(plaintext.subarray(0, plaintext.length - padding))
  const text = message.conversation || message.extendedTextMessage?.text
  if (text) say({ is: 'decrypted', text })
  return plaintext
}

async function end(): Promise<void> {
  isEnding = true
  await current?.sock.end(undefined)
  await current?.auth.close()
  process.exit(0)
}

/** Written at once, so that a kill right after it takes nothing of it back. */
function say(line: BotLine): void {
  writeSync(1, `${JSON.stringify(line)}\n`)
}

/** What the socket logs, and the messages that it could not decrypt: it hands those that came twice to nobody. */
function sayingLog(): LogLine[] {
  const lines: LogLine[] = []
  lines.push = (...added) => {
    for (const { text, details } of added) {
      say({ is: 'log', text })
      const { key, err } = (details ?? {}) as { key?: WAMessageKey; err?: Error } // As Baileys logs it.
      if (key?.id && err) say({ is: 'failed', id: key.id, why: err.message })
    }
    return 0
  }
  return lines
}

function complaints(): Logger {
  const complain = (_details: unknown, text = '') => say({ is: 'log', text })
  return { debug: () => {}, info: () => {}, warn: complain, error: complain }
}

function fail(error: Error): void {
  say({ is: 'log', text: `fatal: ${error.message}` })
  process.exit(1)
}
