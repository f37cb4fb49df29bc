import type { Heartbeat } from './heartbeat.ts'
import type { Lease, Ownership } from './lease.ts'

/** What a tenure is made of. */
export interface TenureParts {
  readonly lease: Lease
  readonly heartbeat: Heartbeat
  /** The heartbeat's lapses when the lease was taken. */
  readonly lapses: number
  /** Is told whose the session is; throws when it is not this process's own any more. */
  readonly judge: (ownership: Ownership) => void
}

/** How sure this process is that a session is its own: before each read and write, it must be. */
export class Tenure {
  readonly #parts: TenureParts
  #lapsesSeen: number
  #holding: Promise<void> | undefined

  constructor(parts: TenureParts) {
    this.#parts = parts
    this.#lapsesSeen = parts.lapses
  }

  /** Whether no other owner can have taken the session without our noticing. */
  get isSure(): boolean {
    const { heartbeat } = this.#parts
    return heartbeat.isFresh && this.#lapsesSeen === heartbeat.lapses
  }

  /** Looks at the fence, and has it judged. Throws what the store threw. */
  async look(): Promise<void> {
    const { lease, judge } = this.#parts
    judge(await lease.look())
  }

  /** Waits until the session is surely ours. Throws what the store threw, or why it is not. */
  hold(): Promise<void> {
    if (this.isSure) return Promise.resolve()
    this.#holding ??= this.#lookAgain().finally(() => {
      this.#holding = undefined
    })
    return this.#holding
  }

  /** Waits until the session is surely ours and no write in doubt. Throws as {@link Tenure.hold} does. */
  async beSure(): Promise<void> {
    const { lease, judge } = this.#parts
    await this.hold()
    if (lease.isInDoubt) judge(await lease.settle())
  }

  async #lookAgain(): Promise<void> {
    const { heartbeat } = this.#parts
    while (!this.isSure) {
      if (!heartbeat.isFresh) {
        await heartbeat.beat().catch(async error => {
          // Where the data is gone no beat lands, and that it is gone is what there is to say.
          await this.look()
          throw error
        })
      }
      const { lapses } = heartbeat
      await this.look()
      this.#lapsesSeen = lapses
    }
  }
}
