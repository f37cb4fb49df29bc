import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { built } from '../built.ts'
import { serverEnvironment } from '../whatsapp/preload-environment.ts'
import type { RootCertificate } from '../whatsapp/server-identity.ts'
import { within } from '../whatsapp/within.ts'

/** How a bot is started. */
export interface GuideBotSettings {
  /** Its project, where it is started. */
  readonly folder: string
  /** The script's name in the project. */
  readonly script: string
  readonly server: { readonly url: string; readonly root: RootCertificate }
  /** Sources of more modules to load before the script. */
  readonly preloads?: readonly string[]
}

/** A script that knows nothing of tests, over all the processes that it lives and dies in. */
export class GuideBot implements AsyncDisposable {
  /** What all processes printed on standard output, line by line. */
  readonly lines: string[] = []
  /** What all processes printed on standard error. */
  errors = ''
  readonly #settings: GuideBotSettings
  readonly #awaited: Set<number> = new Set()
  #look: (() => void)[] = []
  #child: ChildProcess | undefined
  #ended: Promise<number | NodeJS.Signals> = Promise.resolve(0)

  constructor(settings: GuideBotSettings) {
    this.#settings = settings
  }

  /** Starts the process. */
  start(): void {
    const { folder, script, server, preloads = [] } = this.#settings
    const modules = ['test/whatsapp/preload.ts', ...preloads].map(source => pathToFileURL(built(source)).href)
    const child = spawn(process.execPath, [...modules.flatMap(module => ['--import', module]), script], {
      cwd: folder,
      env: { ...process.env, ...serverEnvironment(server) },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#child = child
    this.#ended = once(child, 'close').then(([code, signal]) => code ?? signal)
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text
    })
    createInterface({ input: child.stdout }).on('line', line => {
      this.lines.push(line)
      for (const look of [...this.#look]) look()
    })
  }

  /**
   * Resolves with what follows `start` on the first line that starts so; the same line is not given twice. Rejects
   * with what the bot said instead.
   */
  async until(start: string, timeoutMs = 60_000): Promise<string> {
    let look = (): void => {}
    const found = new Promise<string>(resolve => {
      look = () => {
        const index = this.lines.findIndex((line, at) => line.startsWith(start) && !this.#awaited.has(at))
        if (index === -1) return
        this.#awaited.add(index)
        this.#look = this.#look.filter(each => each !== look)
        resolve(this.lines[index]?.slice(start.length) ?? '')
      }
      this.#look.push(look)
      look()
    })
    const gone = this.#ended.then(end => {
      throw new Error(`the process ended with ${end} instead of saying "${start}"`)
    })
    return within(Promise.race([found, gone]), `"${start}"`, timeoutMs).catch(error => {
      this.#look = this.#look.filter(each => each !== look)
      throw new Error(`${error.message}; it said:\n${this.said()}\n${this.errors}`)
    })
  }

  /** The lines that start so. */
  linesOf(start: string): string[] {
    return this.lines.filter(line => line.startsWith(start))
  }

  /** What the script itself said: neither Baileys' log nor the sessions that libsignal prints. */
  said(): string {
    return this.lines.filter(line => /^[\w-]+(:| ).*/.test(line)).join('\n')
  }

  /** Writes a line to the process's standard input. */
  tell(line: string): void {
    this.#child?.stdin?.write(`${line}\n`)
  }

  /** Resolves when the process has ended, with its exit code or the signal that ended it. */
  async untilEnd(timeoutMs = 60_000): Promise<number | NodeJS.Signals> {
    return within(this.#ended, `${join(this.#settings.folder, this.#settings.script)} to end`, timeoutMs)
  }

  /** Ends the process by a signal and waits until it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | NodeJS.Signals> {
    this.#child?.kill(signal)
    return this.untilEnd()
  }

  /** Kills the process if it still runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }
}
