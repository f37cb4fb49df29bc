import type { Change, Entry, Guard } from '../../src/store.ts'
import type { SqliteDatabase, SqliteStatement } from './driver.ts'
import { type FileId, fileAt, isSameFile } from './file.ts'
import { after, endOf, Records } from './records.ts'
import { rollBack } from './schema.ts'
import { explained, isInTheWay, isOfOneBatch, nameOf, trouble } from './trouble.ts'

/** The file that a connection has open. */
export interface OpenedFile extends FileId {
  readonly path: string
}

/** What a connection is made of. */
export interface ConnectionParts {
  readonly database: SqliteDatabase
  /** `undefined` for a database in memory. */
  readonly file: OpenedFile | undefined
  /** Whether the database was opened by this store, and nobody else uses the object. */
  readonly isOwn: boolean
}

/** A batch or a removal that waits for its transaction. */
interface Job {
  readonly scope: string
  /** `undefined` removes the scope. */
  readonly changes: readonly Change[] | undefined
  readonly guards: readonly Guard[]
  readonly resolve: (hasLanded: boolean) => void
  readonly reject: (error: unknown) => void
}

/** How long a lock is waited for; the core repeats what fails then. */
const waitsForMs = 200
const firstPauseMs = 2
const longestPauseMs = 50

/** About how much a page of a list holds. */
const pageBytes = 512 * 1024
const pageRecords = 500
const pageScopes = 500

/**
 * One open database, used by all stores of this process on it: whatever several scopes write in one turn of the event
 * loop lands in one transaction. A scope that writes alone waits for no others.
 *
 * A database file may be deleted while it is open, by a bot that logs out; SQLite would go on with a file that has
 * no name. So the path is looked at each time: once it leads elsewhere, this connection is gone, and touches nothing.
 */
export class Connection {
  readonly file: OpenedFile | undefined
  readonly #database: SqliteDatabase
  readonly #isOwn: boolean
  readonly #records: Records
  #begin: SqliteStatement | undefined
  #commit: SqliteStatement | undefined
  #jobs: Job[] = []
  #running: Promise<void> | undefined
  #lastScope: string | undefined
  #isGone = false
  #isClosed = false

  constructor({ database, file, isOwn }: ConnectionParts) {
    this.#database = database
    this.file = file
    this.#isOwn = isOwn
    this.#records = new Records(database)
  }

  /** Whether its file was deleted, or another is in its place. */
  get isGone(): boolean {
    if (this.#isGone || !this.file) return this.#isGone
    if (isSameFile(fileAt(this.file.path), this.file)) return false
    this.#isGone = true
    // At once, before the path's next database is opened: its locks are this process's, and would go with ours.
    this.#end()
    return true
  }

  read(scope: string, names: readonly string[]): Promise<(string | undefined)[]> {
    return this.#reading(
      () => this.#records.read(scope, names),
      () => names.map(() => undefined),
    )
  }

  /** Resolves when the batch has landed, or `false` when a guard did not hold. */
  write(
    scope: string,
    changes: readonly Change[] | undefined,
    guards: readonly Guard[] = [],
  ): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#jobs.push({ scope, changes, guards, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  async *list(scope: string, prefix: string, values: boolean): AsyncGenerator<readonly Entry[], void, void> {
    const end = endOf(prefix)
    let limit = values ? 16 : pageRecords
    for (let from = prefix; ; ) {
      const page = await this.#reading(
        () => this.#records.page(scope, from, end, limit, values),
        () => [],
      )
      if (page.length > 0) yield page
      const last = page.at(-1)
      if (!last || page.length < limit) return
      from = after(last.name)
      if (values) limit = nextLimit(limit, page)
      await endOfTurn()
    }
  }

  async *scopes(prefix: string): AsyncGenerator<readonly string[], void, void> {
    const end = endOf(prefix)
    for (let from: string | undefined = prefix; from !== undefined; ) {
      const start: string = from
      const page = await this.#reading(
        () => this.#scopePage(start, end),
        () => ({ held: [], next: undefined }),
      )
      if (page.held.length > 0) yield page.held
      from = page.next
      await endOfTurn()
    }
  }

  /** Lands what is waiting, and closes the database if it was opened by this store. */
  async close(): Promise<void> {
    await this.idle()
    this.#end()
  }

  /** Resolves when nothing is waiting for a transaction. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  #end(): void {
    if (this.#isClosed || !this.#isOwn) return
    this.#isClosed = true
    this.#database.close()
  }

  #scopePage(from: string, end: string): { held: readonly string[]; next: string | undefined } {
    const held: string[] = []
    let next = from
    for (let count = 0; count < pageScopes; count++) {
      const found = this.#records.nextScope(next, end)
      if (!found) return { held, next: undefined }
      if (found.isHeld) held.push(found.scope)
      next = after(found.scope)
    }
    return { held, next }
  }

  async #reading<T>(read: () => T, absent: () => T): Promise<T> {
    try {
      return await throughLocks(() => (this.isGone ? absent() : this.#snapshot(read)))
    } catch (error) {
      if (this.#hasGone()) return absent()
      throw explained(error, 'READ_FAILED', this.file?.path)
    }
  }

  /** On the caller's connection a transaction of its own tells whether the caller has one open, which would be read instead of the data. */
  #snapshot<T>(read: () => T): T {
    if (this.#isOwn) return read()
    this.#database.exec('begin')
    try {
      return read()
    } finally {
      rollBack(this.#database)
    }
  }

  /** Lands what is waiting, again and again. */
  async #run(): Promise<void> {
    do {
      if (this.#jobs[0]?.scope !== this.#lastScope) await endOfTurn()
      this.#lastScope = this.#jobs.at(-1)?.scope
      try {
        await throughLocks(() => this.#land())
      } catch (error) {
        // Nothing of any of them landed, and all that have come meanwhile would meet the same lock.
        for (const job of this.#take()) job.reject(explained(error, 'WRITE_FAILED', this.file?.path))
      }
    } while (this.#jobs.length > 0)
    this.#running = undefined
  }

  /** Lands all that is waiting in one transaction. Throws, with all of it still waiting, what may pass in a moment. */
  #land(): void {
    if (this.isGone) {
      this.#settleGone(this.#take())
      return
    }
    const jobs = this.#jobs
    try {
      this.#settle(jobs, this.#transact(jobs))
      this.#jobs = this.#jobs.slice(jobs.length)
    } catch (error) {
      if (this.#hasGone()) {
        this.#settleGone(this.#take())
        return
      }
      if (isInTheWay(error)) throw error
      this.#take()
      if (jobs.length > 1 && isOfOneBatch(error)) for (const job of jobs) this.#landAlone(job)
      else for (const job of jobs) job.reject(explained(error, 'WRITE_FAILED', this.file?.path))
    }
  }

  #landAlone(job: Job): void {
    try {
      this.#settle([job], this.#transact([job]))
    } catch (error) {
      job.reject(explained(error, 'WRITE_FAILED', this.file?.path))
    }
  }

  /** Which of the jobs changed something; they are durable when this returns, and undone when it throws. */
  #transact(jobs: readonly Job[]): readonly boolean[] {
    // Prepared, since a statement of this size is read in a tenth of the time that a commit takes.
    this.#begin ??= this.#database.prepare('begin immediate')
    this.#commit ??= this.#database.prepare('commit')
    this.#begin.run()
    try {
      const landed = jobs.map(job => this.#apply(job))
      if (landed.includes(true)) this.#commit.run()
      else this.#database.exec('rollback')
      return landed
    } catch (error) {
      rollBack(this.#database)
      throw error
    }
  }

  #apply({ scope, changes, guards }: Job): boolean {
    if (!this.#records.hold(scope, guards)) return false
    if (changes) this.#records.write(scope, changes)
    else this.#records.removeScope(scope)
    return true
  }

  #settle(jobs: readonly Job[], landed: readonly boolean[]): void {
    // Deleted meanwhile: what has landed has no name any more.
    if (this.#hasGone()) this.#settleGone(jobs)
    else for (const [index, job] of jobs.entries()) job.resolve(landed[index] === true)
  }

  /** Of a deleted database every guard that expects something fails. What expects nothing can't land either. */
  #settleGone(jobs: readonly Job[]): void {
    for (const { changes, guards, resolve, reject } of jobs) {
      if (guards.some(({ value }) => value !== undefined)) resolve(false)
      else if (changes === undefined) resolve(true)
      else reject(deleted(this.file?.path))
    }
  }

  #take(): readonly Job[] {
    const jobs = this.#jobs
    this.#jobs = []
    return jobs
  }

  /** As {@link isGone}, where what has happened must not be forgotten for an error of the file system. */
  #hasGone(): boolean {
    try {
      return this.isGone
    } catch {
      return false
    }
  }
}

/** What is said where a database has no file any more. */
export function deleted(path: string | undefined): Error {
  return trouble(
    'STORE_UNUSABLE',
    `${nameOf(path)} was deleted, moved or replaced while it was open; nothing more is written to it. Open it anew.`,
  )
}

/** Repeats what finds a lock in its way, for a while, without blocking the process in between. */
export async function throughLocks<T>(work: () => T, forMs: number = waitsForMs): Promise<T> {
  const endsAt = performance.now() + forMs
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      return work()
    } catch (error) {
      if (!isInTheWay(error) || performance.now() >= endsAt) throw error
    }
    // Not all at once, where several processes wait for one.
    await new Promise(resolve => setTimeout(resolve, pauseMs * (0.5 + Math.random() / 2)))
  }
}

/** As many records as fill a page, by those of the last one. */
function nextLimit(limit: number, page: readonly Entry[]): number {
  const bytes = page.reduce((sum, { value = '' }) => sum + value.length, 1)
  return Math.max(1, Math.min(limit * 2, pageRecords, Math.floor((limit * pageBytes) / bytes)))
}

function endOfTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
