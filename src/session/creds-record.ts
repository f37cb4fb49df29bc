import type { AuthenticationCreds } from '../auth-types.ts'
import { encode } from '../buffer-json.ts'
import { credsName } from '../names.ts'
import type { Change } from '../store.ts'
import { batchBytes } from './write-queue.ts'

/** A session's creds: the one live object that Baileys changes in place, and what of it is stored. */
export class CredsRecord {
  readonly live: AuthenticationCreds
  #stored: string | undefined
  #isPaired: boolean

  /** `stored` is the record's text; `undefined` for a session that has none yet. */
  constructor(live: AuthenticationCreds, stored: string | undefined) {
    this.live = live
    this.#stored = stored
    this.#isPaired = stored !== undefined && live.account !== undefined
  }

  /** Whether saving them now would replace a paired device's creds by those of none. */
  get wouldUnpair(): boolean {
    return this.#isPaired && !this.live.account
  }

  /** The change that saves them as they are now. @throws TypeError when they hold what JSON can't carry */
  change(): Change & { readonly value: string } {
    return { name: credsName, value: encode(this.live) }
  }

  isStoredAs(text: string): boolean {
    return text === this.#stored
  }

  /** They are on their way to the store. */
  queued(): void {
    if (this.live.account) this.#isPaired = true
  }

  /** A batch has landed, perhaps with them in it. */
  landed(batch: readonly Change[]): void {
    const creds = batch.find(({ name }) => name === credsName)
    if (creds?.value !== undefined) this.#stored = creds.value
  }

  /**
   * The first batch carries the creds, or records that land before the first save would have no identity; where it
   * would be too large with them, they go before it.
   */
  joinTo(changes: readonly Change[], limitBytes: number): readonly (readonly Change[])[] {
    if (this.#stored !== undefined || changes.some(({ name }) => name === credsName)) return [changes]
    const creds = this.change()
    const together = [...changes, creds]
    return batchBytes(together) > limitBytes ? [[creds], changes] : [together]
  }
}
