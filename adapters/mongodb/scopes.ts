import type { Commands } from './commands.ts'
import type { ScopeDocument } from './documents.ts'
import { LandedBatches } from './landed-batches.ts'
import type { Moment } from './moment.ts'

const mostKnown = 10_000

/** What one store object knows of scopes, which is never more than a hint: the filter of each update says the rest. */
export class Scopes {
  readonly #commands: Commands
  readonly #freshMs: number | undefined
  readonly #incarnations = new Map<string, string>()
  readonly #known = new Map<string, LandedBatches>()

  constructor(commands: Commands, freshMs: number | undefined) {
    this.#commands = commands
    this.#freshMs = freshMs
  }

  /** The incarnation that the scope had last. */
  incarnation(scope: string): string | undefined {
    return this.#incarnations.get(scope)
  }

  /** A scope's document was read. */
  saw({ scope, incarnation }: ScopeDocument): void {
    this.#incarnations.set(scope, incarnation)
    dropOne(this.#incarnations, () => true)
  }

  /** The log of a scope that this store writes. */
  known(scope: string): LandedBatches | undefined {
    return this.#known.get(scope)
  }

  /** Takes over what the document of a scope says that this store writes; `at` is when it was asked for. */
  learn(document: ScopeDocument, at: Moment): LandedBatches {
    this.saw(document)
    const known = this.#known.get(document.scope)
    if (known?.incarnation === document.incarnation) {
      known.learn(document, at)
      return known
    }
    known?.forget()
    const batches = new LandedBatches(this.#commands, document, at, this.#freshMs)
    this.#known.set(document.scope, batches)
    dropOne(this.#known, ({ pending }) => pending === 0)
    return batches
  }

  /** The scope was removed: its incarnation will not come again. */
  forget(scope: string): void {
    this.#known.get(scope)?.forget()
    this.#known.delete(scope)
    this.#incarnations.delete(scope)
  }

  /** Resolves when nothing is left to be applied, or an attempt has failed. */
  async settled(): Promise<void> {
    await Promise.all(Array.from(this.#known.values(), batches => batches.settled()))
  }
}

/** The oldest that may go. */
function dropOne<T>(from: Map<string, T>, mayGo: (value: T) => boolean): void {
  if (from.size <= mostKnown) return
  for (const [scope, value] of from) {
    if (!mayGo(value)) continue
    from.delete(scope)
    return
  }
}
