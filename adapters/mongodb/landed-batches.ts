import type { BulkOperation, Commands } from './commands.ts'
import {
  asScopeDocument,
  bytesOf,
  fold,
  type LoggedBatch,
  type LoggedChange,
  recordId,
  type ScopeDocument,
  scopeId,
} from './documents.ts'
import { ageMs, type Moment, thisMoment } from './moment.ts'
import { isPermanent, trouble } from './trouble.ts'

/** How long what is known of a scope's log may be acted upon: far less than removed records are remembered. */
const usualFreshMs = 60_000
/** How long one attempt to apply is waited for; what it does later does no harm. */
const attemptMs = 30_000
/** What has landed is applied when so much of it is pending, or when so long nothing came: each record but once then. */
const gatheredBatches = 24
const gatheredBytes = 128 * 1024
const gatheringMs = 1_000
/** How long reads leave an attempt that failed alone. */
const restMs = 1_000

/**
 * What one store object knows of the log of one scope's incarnation: the batches that have landed and that may not have
 * reached the records' documents. It applies them, in the background and as one; nothing depends on its doing so, since
 * every read overlays the log, and whoever takes the scope over applies what it finds there.
 */
export class LandedBatches {
  readonly scope: string
  readonly incarnation: string
  readonly #commands: Commands
  readonly #freshMs: number
  #seq: number
  #applied = 0
  /** All batches after `#applied`, up to `#seq`. */
  #pending: LoggedBatch[] = []
  #bytes = 0
  /** When the log was last known to end with the last of these. */
  #freshAt: Moment
  #applying: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #failure: unknown
  #failedAt = 0
  #isGone = false

  /** `at` is when the document was asked for. */
  constructor(commands: Commands, document: ScopeDocument, at: Moment, freshMs: number = usualFreshMs) {
    this.#commands = commands
    this.#freshMs = freshMs
    this.scope = document.scope
    this.incarnation = document.incarnation
    this.#seq = 0
    this.#freshAt = at
    this.learn(document, at)
  }

  /** How many batches have landed, as far as this store knows. */
  get seq(): number {
    return this.#seq
  }

  /** How many batches the next update of the log has to keep. */
  get pending(): number {
    return this.#pending.length
  }

  /** Up to which batch everything has reached the records' documents, for good. */
  get applied(): number {
    return this.#applied
  }

  /** What those take in the scope's document. */
  get bytes(): number {
    return this.#bytes
  }

  /** Why the last attempt to apply failed, where no repetition helps. */
  get refusal(): unknown {
    return isPermanent(this.#failure) ? this.#failure : undefined
  }

  /** Takes over what a document of this incarnation says, unless it is older than what is known. */
  learn(document: ScopeDocument, at: Moment): void {
    if (document.seq < this.#seq) return
    this.#seq = document.seq
    this.#freshAt = at
    this.#keep(document.log)
  }

  /** A batch of this store has landed as the next one. */
  landed(batch: LoggedBatch, at: Moment): void {
    if (batch.seq <= this.#seq) return
    this.#seq = batch.seq
    this.#freshAt = at
    this.#keep([...this.#pending, batch])
  }

  /** Nothing of it is to be applied any more: the scope was removed. */
  forget(): void {
    this.#isGone = true
    clearTimeout(this.#timer)
    this.#keep([])
  }

  /** Applies what is pending when that is worth a command, or a little later. Nothing waits for it, so no process either. */
  applySoon(): void {
    if (this.#isWorthIt) this.apply()
    else this.#timer ??= setTimeout(() => this.apply(), gatheringMs).unref()
  }

  /** Begins to apply what is pending, where that is not under way. */
  apply(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#applying || this.#pending.length === 0 || this.#isGone) return
    this.#applying = this.#applyAll()
  }

  /** The same where an attempt has failed a while ago. */
  applyAgain(): void {
    if (this.#failure !== undefined && performance.now() - this.#failedAt > restMs) this.apply()
  }

  /** Resolves when what was pending at the call is applied, or one attempt has failed. */
  async settled(): Promise<void> {
    const last = this.#seq
    do {
      this.apply()
      await this.#applying
    } while (this.#pending.length > 0 && this.#applied < last && this.#failure === undefined)
  }

  get #isWorthIt(): boolean {
    return this.#pending.length >= gatheredBatches || this.#bytes >= gatheredBytes
  }

  async #applyAll(): Promise<void> {
    try {
      do await withTimeout(this.#attempt(), attemptMs)
      while (this.#isWorthIt)
      this.#failure = undefined
    } catch (error) {
      // The log keeps it: the next write or read tries again.
      this.#failure = error
      this.#failedAt = performance.now()
    } finally {
      this.#applying = undefined
    }
    if (this.#failure === undefined && this.#pending.length > 0) this.applySoon()
  }

  async #attempt(): Promise<void> {
    if (ageMs(this.#freshAt) > this.#freshMs) await this.#lookAgain()
    const last = this.#pending.at(-1)
    if (!last) return
    await this.#commands.bulk(operationsOf(this.scope, this.incarnation, fold(this.#pending)))
    this.#applied = Math.max(this.#applied, last.seq)
    this.#keep(this.#pending)
  }

  /** Another owner may have landed and applied more since, and removed what this would bring back a day later. */
  async #lookAgain(): Promise<void> {
    const at = thisMoment()
    const filter = { _id: scopeId(this.scope), scope: this.scope, incarnation: this.incarnation }
    const [document] = await this.#commands.find(filter)
    if (!document) this.forget()
    else this.learn(asScopeDocument(document), at)
  }

  #keep(log: readonly LoggedBatch[]): void {
    this.#pending = log.filter(batch => batch.seq > this.#applied)
    this.#bytes = this.#pending.reduce((sum, batch) => sum + bytesOf(batch), 0)
  }
}

/** Upserts that bring records up to what a log says of them, and never back: a later batch's are left as they are. */
export function operationsOf(
  scope: string,
  incarnation: string,
  changes: ReadonlyMap<string, LoggedChange>,
): BulkOperation[] {
  return Array.from(changes, ([name, { seq, value }]) => ({
    updateOne: {
      filter: { _id: recordId(incarnation, name), scope, seq: { $lt: seq } },
      update:
        value === undefined
          ? { $set: { seq }, $unset: { value: '' }, $currentDate: { gone: true } }
          : { $set: { seq, value }, $unset: { gone: '' } },
      upsert: true,
    },
  }))
}

/** The timer keeps no process alive: the log has what is given up with it. */
function withTimeout<T>(work: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(trouble('WRITE_FAILED', 'MongoDB gave no answer in time.')),
      ms,
    ).unref()
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
