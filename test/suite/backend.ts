import type { Store } from '../../src/store.ts'

/** The runner's own function: `test` of jest, vitest or node:test. Called once a case, while the suite is declared. */
export type TestFunction = (name: string, run: () => Promise<void>) => unknown

/**
 * What the suite runs on: a place where it can make as much fresh data as it has cases.
 *
 * @example
 * const backend: Backend = {
 *   name: 'postgres',
 *   async create() {
 *     const table = `authkit_${counter++}`
 *     return {
 *       async open() {
 *         const store = postgresStore(pool, { table })
 *         await store.open()
 *         return store
 *       },
 *       async drop() {
 *         await pool.query(`drop table if exists ${table}`)
 *       },
 *     }
 *   },
 * }
 */
export interface Backend {
  /** Begins the name of every case. */
  readonly name: string
  /**
   * Set for a store that holds one session only, whatever scope it is asked for (a single folder): the scope that
   * the suite then uses, or `''` for any. Cases that need several scopes are left out.
   */
  readonly onlyScope?: string
  /**
   * True where the store keeps another text than it was given (an encrypting wrapper): guards on records that are
   * not reserved then compare the kept text, so the cases that guard such records are left out.
   */
  readonly keepsOtherTexts?: boolean
  /** True where the data offers {@link BackendData.outage}; without it, the cases about outages are left out. */
  readonly outages?: boolean
  /** Makes data that no other case sees: a table, a folder, a key prefix. Nothing is in it. */
  create(): Promise<BackendData>
}

/** The data of one case. */
export interface BackendData {
  /**
   * A new store object on this data, its `open()` resolved. Called several times, also at once: two writers, a
   * restart. Where data does not outlive the object (memory), it is the same object, and works on after `close()`.
   */
  open(): Promise<Store>
  /**
   * Makes every call to stores of this data fail, as a server that can't be reached does, until the function that
   * it resolves with is called.
   */
  outage?(): Promise<() => Promise<void>>
  /** Deletes the data. Every store was closed before. */
  drop(): Promise<void>
}
