import type { Store } from '../../src/store.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import type { Backend } from './backend.ts'
import { failingStore } from './failing-store.ts'

/**
 * The reference backend: each case has a memory store, with outages. `wrap` makes the store that is tested out of
 * it, anew at each `open()`.
 */
export function memoryBackend(
  name: string = 'memory',
  wrap: (store: Store) => Store = store => store,
): Backend {
  return {
    name,
    outages: true,
    async create() {
      const data = failingStore(memoryStore())
      return {
        async open() {
          const store = wrap(data)
          await store.open()
          return store
        },
        async outage() {
          data.fail('read')
          data.fail('write')
          data.fail('list')
          data.fail('remove')
          return async () => data.mend()
        },
        async drop() {},
      }
    },
  }
}
