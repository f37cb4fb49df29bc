/**
 * The store contract: all that a backend has to do so that a session on it keeps its promises.
 *
 * The core above it does once what adapters would repeat: it validates options, escapes names, encodes and
 * decodes values, drops duplicates, splits reads that are too large, orders, caches, retries, wraps errors,
 * logs and leases. An adapter therefore receives only
 *
 * - scopes of 1 to 200 and names of 1 to 400 characters out of `A-Z a-z 0-9 ! % + , - . / : = @ _ ~`, to be
 *   compared byte by byte and case-sensitively;
 * - non-empty `names`, and a non-empty `changes`, each name in it once;
 * - texts of any length (also empty) of well-formed Unicode without U+0000, which PostgreSQL has no place for (what
 *   the core writes is JSON, or base64).
 *
 * It never validates, logs, caches, retries or parses a value, and it catches only to tell "absent" or
 * "a guard did not hold" from an error.
 *
 * Names that begin with `!` are **reserved records** (`!fence`, `!heartbeat/...`): they are stored and guarded
 * like any other, but a scope that holds nothing else counts as empty (see {@link Store.scopes}). Scopes that
 * begin with `!` are internal to the core and hold only reserved records.
 */

/** A record's name and its new text; `undefined` removes the record (removing what is absent is no error). */
export interface Change {
  readonly name: string
  readonly value: string | undefined
}

/**
 * A batch with a guard lands only while record `name` holds exactly `value`; `undefined` expects absence.
 *
 * A guard that expects absence names a record that the same batch creates: of many racing batches exactly one
 * may win, so the adapter inserts that record without overwriting, and the rest depends on that insert.
 */
export interface Guard {
  readonly name: string
  readonly value: string | undefined
}

/** One record as {@link Store.list} gives it: `value` only when values were asked for. */
export interface Entry {
  readonly name: string
  readonly value?: string
}

/** How much a store takes in one call; the core splits reads by it, and refuses a batch by it. */
export interface StoreLimits {
  /** Names in one `read`. */
  readonly readNames: number
  /** UTF-8 bytes of all names and values of one `write`. */
  readonly batchBytes: number
  /** What an operator may do to raise that, for the error that says so: `raise max_allowed_packet on the server`. */
  readonly batchRemedy?: string
}

/** What outlives what: nothing, this process's end, the machine's power, or what the server promises. */
export type Durability = 'none' | 'process' | 'disk' | 'server'

/** Something that a store's operator should know, and can mend: where what was acknowledged may vanish. */
export interface StoreWarning {
  /** What it is about, in capitals: `REDIS_EVICTS`. */
  readonly code: string
  /** What is wrong, and what to do. */
  readonly message: string
}

/** What {@link Store.list} is asked for. */
export interface ListOptions {
  /** Only names that begin with exactly this text. @default '' */
  readonly prefix?: string
  /** Whether entries carry their values. @default false */
  readonly values?: boolean
  /**
   * How many bytes of names and values a page may hold, about: more than the backend's own measure where the caller
   * keeps them all anyway, so that a whole session comes in one round trip. An adapter may give smaller pages.
   */
  readonly pageBytes?: number
  /**
   * The caller has no use for a part: an adapter that finds before the end that it will not all fit in one page may
   * reject. @default false
   */
  readonly wholeOnly?: boolean
}

/** A place that keeps records, by scope and name, and lands batches whole. See this file's head for what it may assume. */
export interface Store {
  /** The backend's name, for errors, logs and metrics: `'redis'`. */
  readonly kind: string

  /**
   * Tells whether two stores are the same data: equal, item by item by `===`, exactly then. A client and a
   * table; a folder's real path. Read only after `open()` resolved.
   */
  readonly identity: readonly unknown[]

  readonly limits: StoreLimits

  /** What a resolved `write` has survived for good. `'server'` alone means that other hosts may share the data. */
  readonly durability: Durability

  /** What `open()` found to be unsafe about the backend's settings; the core logs each once. Read after `open()`. */
  readonly warnings?: readonly StoreWarning[]

  /**
   * Creates tables, indexes, folders; touches no session's data. Idempotent, and safe when many processes run it
   * at once. Every other method may count on it having resolved.
   */
  open(): Promise<void>

  /**
   * Reads records in one round trip. Same length and order as `names`; `undefined` only where a record is absent:
   * whatever keeps it from being read rejects. Sees every `write` that resolved before the call, by whichever
   * handle or process, and either all or nothing of each batch. `!fence` is always read from the data itself,
   * never from anything this object remembers.
   */
  read(scope: string, names: readonly string[]): Promise<(string | undefined)[]>

  /**
   * Lands a batch in one round trip, whole or not at all, and resolves `true` when it is as durable as
   * {@link Store.durability} says. Resolves `false` when a guard did not hold: then nothing changed. All guards
   * must hold; they and the batch are one atomic step against every other writer. The same batch may be sent
   * again. A rejection leaves the outcome unknown, unless {@link Store.isPermanent} says that it is final.
   *
   * A batch that changes `!fence` is a take-over (or a release): there, and only there, a store that keeps a log
   * recovers it.
   */
  write(scope: string, changes: readonly Change[], guards?: readonly Guard[]): Promise<boolean>

  /**
   * The scope's records, reserved ones among them, in pages of a size that suits the backend, each page bounded
   * in memory. May run beside writes: order is not promised, and a name that changes meanwhile may come twice.
   * What is there from beginning to end comes at least once.
   */
  list(scope: string, options?: ListOptions): AsyncIterable<readonly Entry[]>

  /** Scopes that begin with `prefix` and hold at least one record that is not reserved. Pages, as in `list`. */
  scopes(prefix?: string): AsyncIterable<readonly string[]>

  /**
   * Removes the scope with all its records, reserved ones too, and nothing else. Guards as in `write`; `false`
   * when one did not hold. Removing what is absent is no error.
   */
  remove(scope: string, guards?: readonly Guard[]): Promise<boolean>

  /** Releases only what the store itself opened, and resolves when that is done. No other call follows. */
  close(): Promise<void>

  /**
   * True for a rejection of `read` or `write` that no repetition will cure and that certainly changed nothing: a
   * statement that the server refused, a folder without write permission. Such a call is not retried.
   *
   * Without this method, errors of the language (`TypeError`, `RangeError`, ...) and `AuthStateError`s other than
   * `READ_FAILED` and `WRITE_FAILED` are permanent, and everything else is taken for a passing failure.
   */
  isPermanent?(error: unknown): boolean
}
