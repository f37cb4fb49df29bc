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

/** What some backends, or wrappers of keys, can't give. */
export type Need = BackendNeed | WrapperNeed

/** Several scopes in one store; guards on records that are not reserved; an outage at will. */
export type BackendNeed = 'scopes' | 'plain guards' | 'outage'

/**
 * What wrappers of keys may spoil:
 *
 * - `'calls as they come'`: it holds a call back while another one is under way, or joins them;
 * - `'overlapping sets'`: it loses a set that begins while another one is under way;
 * - `'refusals'`: its `set` resolves though the change was refused;
 * - `'__proto__'`: it loses the type and id of that name.
 */
export type WrapperNeed = 'calls as they come' | 'overlapping sets' | 'refusals' | '__proto__'

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

/** What a backend can't give. */
export function lacksOf(backend: Backend): Need[] {
  const lacks: Need[] = []
  if (backend.onlyScope !== undefined) lacks.push('scopes')
  if (backend.keepsOtherTexts === true) lacks.push('plain guards')
  if (backend.outages !== true) lacks.push('outage')
  return lacks
}

/** Declares every case whose needs are met. */
export function declareCases<Context>(
  test: TestFunction,
  backend: Backend,
  subject: string,
  groups: readonly PromiseCases<Context>[],
  lacks: readonly Need[],
  within: (data: BackendData, run: (context: Context) => Promise<void>) => Promise<void>,
): void {
  for (const group of groups) {
    for (const { name, needs = [], run } of group.cases) {
      if (needs.some(need => lacks.includes(need))) continue
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

/** Begins an outage of the data, and resolves with the function that ends it. */
export function outageOf(data: BackendData): Promise<() => Promise<void>> {
  if (data.outage === undefined) throw new TypeError('A backend with outages: true must give data.outage().')
  return data.outage()
}
