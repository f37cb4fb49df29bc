/** Shows on a terminal, in one line that is rewritten, what is being measured; elsewhere nothing. */
export class Progress {
  #isShown = false

  show(text: string, done: number): void {
    if (!process.stderr.isTTY) return
    this.#isShown = true
    // The rest of the line is deleted, since the one before may have been longer.
    process.stderr.write(`\r${String(Math.floor(100 * done)).padStart(3)} %  ${text}\u001b[K`)
  }

  end(): void {
    if (this.#isShown) process.stderr.write('\r\u001b[K')
    this.#isShown = false
  }
}
