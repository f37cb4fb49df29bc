import type { Store } from '../../../src/store.ts'
import type { ServerStore } from '../../stores/server-store.ts'

/** Every record of every session in a store, fences among them; heartbeats left out, which change with time alone. */
export async function contentOf(store: Store): Promise<{ [scope: string]: { [name: string]: string } }> {
  const content = new Map<string, { [name: string]: string }>()
  for await (const scopes of store.scopes()) {
    for (const scope of scopes) content.set(scope, await recordsOf(store, scope))
  }
  return Object.fromEntries(content)
}

/** Every record of one scope. */
export async function recordsOf(store: Store, scope: string): Promise<{ [name: string]: string }> {
  const records: [string, string][] = []
  for await (const page of store.list(scope, { values: true })) {
    for (const { name, value = '' } of page) records.push([name, value])
  }
  return Object.fromEntries(records.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Looks into the store at a URL through a client of its own. */
export async function look<T>(at: ServerStore, url: string, run: (store: Store) => Promise<T>): Promise<T> {
  const opened = await at.open(url)
  try {
    return await run(opened.store)
  } finally {
    await opened.close()
  }
}
