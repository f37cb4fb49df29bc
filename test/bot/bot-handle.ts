import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import { built } from '../built.ts'
import { within } from '../whatsapp/within.ts'
import { type BotLine, type BotOrder, type BotSettings, decryptedBefore } from './bot-line.ts'

/** A bot over all the processes that it lives and dies in, and what they said. */
export class BotHandle extends EventEmitter<{ line: [BotLine] }> implements AsyncDisposable {
  /** The texts of messages that were decrypted, each as often as it was. */
  readonly decrypted: string[] = []
  /** The ids of messages that came again although their decryption was stored. */
  readonly seenBefore: Set<string> = new Set()
  /** Why messages could not be decrypted, those of `seenBefore` left out. */
  readonly failures: string[] = []
  /** Warnings and errors of all processes. */
  readonly log: string[] = []
  readonly counts: { starts: number; qrs: number; logins: number } = { starts: 0, qrs: 0, logins: 0 }
  jid = ''
  readonly #settings: BotSettings
  #child: ChildProcess | undefined

  constructor(settings: BotSettings) {
    super()
    this.#settings = settings
  }

  /** Starts the process; resolves at once. */
  start(): void {
    const child = spawn(process.execPath, [built('test/bot/bot-process.ts')], {
      env: { ...process.env, BOT: JSON.stringify(this.#settings) },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#child = child
    this.counts.starts += 1
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.log.push(text.trim()))
    createInterface({ input: child.stdout ?? process.stdin }).on('line', text => this.#hear(text))
  }

  /** Resolves with the next line of a kind. */
  until<K extends BotLine['is']>(kind: K, timeoutMs = 60_000): Promise<Extract<BotLine, { is: K }>> {
    const heard = new Promise<Extract<BotLine, { is: K }>>(resolve => {
      const listen = (line: BotLine): void => {
        if (line.is !== kind) return
        this.off('line', listen)
        resolve(line as Extract<BotLine, { is: K }>) // Its kind was just looked at.
      }
      this.on('line', listen)
    })
    return within(heard, `the bot to say "${kind}" (it said: ${this.log.slice(-3).join('; ')})`, timeoutMs)
  }

  /** Has the bot send a text. */
  send(order: BotOrder): void {
    this.#child?.stdin?.write(`${JSON.stringify(order)}\n`)
  }

  /** Kills the process as a power cut does, wherever it is; resolves when it is gone. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  /** Ends the process cleanly. */
  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  /** Kills the process if it still runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const closed = once(child, 'close')
    child.kill(signal)
    await within(closed, 'the bot to end')
  }

  #hear(text: string): void {
    // A process that is killed may leave half a line.
    if (!text.endsWith('}')) return
    const line: BotLine = JSON.parse(text)
    if (line.is === 'qr') this.counts.qrs += 1
    else if (line.is === 'log') this.log.push(line.text)
    else if (line.is === 'decrypted') this.decrypted.push(line.text)
    else if (line.is === 'failed' && line.why === decryptedBefore) this.seenBefore.add(line.id)
    else if (line.is === 'failed') this.failures.push(line.why)
    else if (line.is === 'open') {
      this.counts.logins += 1
      this.jid = line.jid
    }
    this.emit('line', line)
  }
}
