import type { Socket } from 'node:net'

/** One direction of a connection: hands bytes on, in order, late or not at all. */
export class Lane {
  readonly #to: Socket
  /** What waits until it may go on; `undefined` while nothing is held. */
  #held: Buffer[] | undefined
  readonly #delayed: Buffer[] = []
  #hasEnded = false

  constructor(to: Socket) {
    this.#to = to
  }

  get isHeld(): boolean {
    return this.#held !== undefined
  }

  push(bytes: Buffer, delayMs: number): void {
    if (delayMs === 0 && this.#delayed.length === 0) {
      this.#arrive(bytes)
      return
    }
    this.#delayed.push(bytes)
    // Whichever timer rings first brings the oldest bytes: the order stays when the delay is changed.
    setTimeout(() => {
      const oldest = this.#delayed.shift()
      if (oldest) this.#arrive(oldest)
      if (this.#hasEnded) this.end()
    }, delayMs)
  }

  /** From now on, what comes stays here. */
  hold(): void {
    this.#held ??= []
  }

  /** Hands on what was held, and holds no more; true if there was anything. */
  release(): boolean {
    const held = this.#held ?? []
    this.#held = undefined
    for (const bytes of held) this.#arrive(bytes)
    return held.length > 0
  }

  /** Ends the other side when all that is under way has arrived there; never while something is held. */
  end(): void {
    this.#hasEnded = true
    if (!this.isHeld && this.#delayed.length === 0) this.#to.end()
  }

  #arrive(bytes: Buffer): void {
    if (this.#held) this.#held.push(bytes)
    else if (this.#to.writable) this.#to.write(bytes)
  }
}
