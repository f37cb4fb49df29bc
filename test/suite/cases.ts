import type { Store } from '../../src/store.ts'
import type { Backend, BackendData, TestFunction } from './backend.ts'

/** One promise of the package, and the cases that prove it. */
export interface PromiseCases<Context> {
  /** Its number in the README. */
  readonly number: number
  /** Its name there. */
  readonly promise: string
  readonly cases: readonly Case<Context>[]
}

/** One behaviour, told by its name. */
export interface Case<Context> {
  readonly name: string
  /** What it asks of the backend beyond the contract; it is left out where that is not given. */
  readonly needs?: readonly Need[]
  run(context: Context): Promise<void>
}

/** Several scopes in one store; guards on records that are not reserved; an outage at will. */
export type Need = 'scopes' | 'plain guards' | 'outage'

/** What a case about a store works with. */
export interface StoreContext {
  /** The scope to use; a case that needs more of them adds to it. */
  readonly scope: string
  /** One more store on the case's data. Closed at the case's end. */
  open(): Promise<Store>
  /** Closes one of them before the case's end. */
  close(store: Store): Promise<void>
  /** Begins an outage, and resolves with the function that ends it. Only for cases that need it. */
  outage(): Promise<() => Promise<void>>
}

/** The name under which a case is given to the runner. */
export function caseName(subject: string, group: PromiseCases<never>, name: string): string {
  return `${subject}, ${group.number} ${group.promise}: ${name}`
}

/** Declares every case that the backend can serve. */
export function declareCases<Context>(
  test: TestFunction,
  backend: Backend,
  subject: string,
  groups: readonly PromiseCases<Context>[],
  within: (data: BackendData, run: (context: Context) => Promise<void>) => Promise<void>,
): void {
  for (const group of groups) {
    for (const { name, needs = [], run } of group.cases) {
      if (needs.includes('scopes') && backend.onlyScope !== undefined) continue
      if (needs.includes('plain guards') && backend.keepsOtherTexts === true) continue
      if (needs.includes('outage') && backend.outages !== true) continue
      test(caseName(subject, group, name), async () => {
        const data = await backend.create()
        try {
          await within(data, run)
        } finally {
          await data.drop()
        }
      })
    }
  }
}

/** Opens stores for one case, and closes each of them once, at the latest at its end. */
export async function withStores(
  data: BackendData,
  run: (stores: Pick<StoreContext, 'open' | 'close'>) => Promise<void>,
): Promise<void> {
  const opened = new Set<Store>()
  try {
    await run({
      async open() {
        const store = await data.open()
        opened.add(store)
        return store
      },
      async close(store) {
        opened.delete(store)
        await store.close()
      },
    })
  } finally {
    await Promise.all(Array.from(opened, store => store.close()))
  }
}
