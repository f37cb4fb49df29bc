import type { Change, Entry, Guard, ListOptions, Store } from '../store.ts'

const pageSize = 500

/**
 * Keeps everything in this process's memory and nothing beyond it: the reference that every other store is compared
 * with, and "no auth" for tests and throw-away bots. Two stores share data only when they are the same object.
 */
export function memoryStore(): Store {
  return new MemoryStore()
}

class MemoryStore implements Store {
  readonly kind = 'memory'
  readonly identity: readonly unknown[] = [this]
  readonly limits = { readNames: Number.MAX_SAFE_INTEGER, batchBytes: Number.MAX_SAFE_INTEGER }
  readonly durability = 'none'
  readonly #scopes = new Map<string, Map<string, string>>()

  async open(): Promise<void> {}

  async read(scope: string, names: readonly string[]): Promise<(string | undefined)[]> {
    const records = this.#scopes.get(scope)
    return names.map(name => records?.get(name))
  }

  async write(scope: string, changes: readonly Change[], guards?: readonly Guard[]): Promise<boolean> {
    if (!this.#allHold(scope, guards)) return false
    const records = this.#scopes.get(scope) ?? new Map<string, string>()
    for (const { name, value } of changes) {
      if (value === undefined) records.delete(name)
      else records.set(name, value)
    }
    if (records.size > 0) this.#scopes.set(scope, records)
    else this.#scopes.delete(scope)
    return true
  }

  async *list(scope: string, options: ListOptions = {}): AsyncIterable<readonly Entry[]> {
    const { prefix = '', values = false } = options
    const entries = Array.from(this.#scopes.get(scope) ?? [])
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => (values ? { name, value } : { name }))
    yield* pages(entries)
  }

  async *scopes(prefix = ''): AsyncIterable<readonly string[]> {
    const found = Array.from(this.#scopes)
      .filter(([scope, records]) => scope.startsWith(prefix) && holdsMoreThanReserved(records))
      .map(([scope]) => scope)
    yield* pages(found)
  }

  async remove(scope: string, guards?: readonly Guard[]): Promise<boolean> {
    if (!this.#allHold(scope, guards)) return false
    this.#scopes.delete(scope)
    return true
  }

  async close(): Promise<void> {}

  #allHold(scope: string, guards: readonly Guard[] = []): boolean {
    const records = this.#scopes.get(scope)
    return guards.every(({ name, value }) => records?.get(name) === value)
  }
}

function holdsMoreThanReserved(records: Map<string, string>): boolean {
  for (const name of records.keys()) if (!name.startsWith('!')) return true
  return false
}

function* pages<T>(items: readonly T[]): Iterable<readonly T[]> {
  for (let from = 0; from < items.length; from += pageSize) yield items.slice(from, from + pageSize)
}
