import type { DemoOptions } from './options.ts'

const everyTenth = 10

/** One line that tells how far the demo is: rewritten in place on a terminal, a new one for each tenth elsewhere. */
export class Progress {
  readonly #options: DemoOptions
  readonly #startedAt: number
  #lastTenth = -1

  constructor(options: DemoOptions, startedAt: number) {
    this.#options = options
    this.#startedAt = startedAt
  }

  show(state: { readonly sent: number; readonly decrypted: number; readonly kills: number }): void {
    const { messages, kills, json } = this.#options
    if (json) return
    const seconds = Math.round((performance.now() - this.#startedAt) / 1000)
    const text = `${state.sent}/${messages} sent, ${state.decrypted} decrypted, ${state.kills}/${kills} kills, ${seconds} s`
    const tenth = Math.floor((everyTenth * state.decrypted) / messages)
    if (process.stdout.isTTY) process.stdout.write(`\r${text}   `)
    else if (tenth > this.#lastTenth) process.stdout.write(`${text}\n`)
    this.#lastTenth = Math.max(tenth, this.#lastTenth)
  }

  end(): void {
    if (!this.#options.json && process.stdout.isTTY) process.stdout.write('\n')
  }
}
