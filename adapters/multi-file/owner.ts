import { setTimeout as delay } from 'node:timers/promises'
import { credsName, fenceName } from '../../src/names.ts'
import type { Change, Guard } from '../../src/store.ts'
import { applyTexts, syncRecordFolders } from './apply.ts'
import { ifPresent, writeAll } from './file-system.ts'
import { encodeEntry, hashOf } from './journal.ts'
import type { Place } from './place.ts'
import type { Placement } from './placement.ts'
import { hasCounted, type OpenJournal, type Taken } from './take-over.ts'
import { journalPath, journalsIn, readTexts } from './texts.ts'
import { Moved, trouble } from './trouble.ts'

const hashesRemembered = 4096
const settlesWithinMs = 2000
/** By how many bytes a journal grows ahead of its entries at most. */
const mostAhead = 128 * 1024

interface Pending {
  readonly value: string | undefined
  /** The journal that holds this text. */
  readonly sequence: number
  /** The oldest journal that holds any text of the record that its file has not had. */
  since: number
}

/**
 * The one writer of a scope, for as long as its folder bears its name. What it has journaled and not yet written to
 * record files is in memory too. It is single-threaded by its caller, but for {@link read} and {@link writeFiles}.
 */
export class Owner {
  readonly placement: Placement
  readonly #place: Place
  readonly #id: string
  readonly #folder: string
  readonly #fence: string | undefined
  readonly #pending = new Map<string, Pending>()
  readonly #hashes = new Map<string, string>()
  #credsTurn: Promise<void> = Promise.resolve()
  #filesTurn: Promise<void> = Promise.resolve()
  #writtenCreds: Pending | undefined
  #journal: OpenJournal
  #device = 0
  #inode = 0
  #cuts = 0
  #hasEnded = false

  private constructor(place: Place, taken: Taken) {
    this.#place = place
    this.#id = taken.id
    this.#folder = taken.folder
    this.#fence = taken.head.fence
    this.placement = taken.placement
    this.#journal = taken.journal
  }

  /** The owner of a state just taken, whose journal holds these changes. */
  static async begin(place: Place, taken: Taken, changes: readonly Change[]): Promise<Owner> {
    const owner = new Owner(place, taken)
    try {
      await owner.#recognise()
    } catch (error) {
      await owner.end()
      throw error
    }
    owner.#remember(changes)
    return owner
  }

  get pending(): number {
    return this.#pending.size
  }

  get journalBytes(): number {
    return this.#journal.bytes
  }

  /** True while nobody has taken the scope over or deleted it: its path still leads to the file that is open. */
  get isOwner(): boolean {
    if (this.#hasEnded) return false
    const id = this.#place.fs.identify(this.#journal.path)
    return id !== undefined && id.inode === this.#inode && id.device === this.#device
  }

  /** True where somebody else, or nobody, has the scope now, for certain. */
  isLost(): boolean {
    try {
      return !this.isOwner
    } catch {
      return false
    }
  }

  /** The records' texts; `undefined` where the owner is one no more, and they have to be read another way. */
  async read(names: readonly string[]): Promise<(string | undefined)[] | undefined> {
    while (this.isOwner) {
      const cuts = this.#cuts
      const texts = await readTexts(
        this.placement,
        names.filter(name => name !== fenceName && !this.#pending.has(name)),
      )
      // A batch that landed meanwhile is still pending as a whole, unless the journal was cut.
      if (cuts !== this.#cuts || !this.isOwner) continue
      return names.map(name => {
        if (name === fenceName) return this.#fence
        const pending = this.#pending.get(name)
        return pending ? pending.value : texts.get(name)
      })
    }
    return undefined
  }

  /** Names whose text is pending, and whether they are there. */
  *pendingNames(): Iterable<readonly [name: string, isThere: boolean]> {
    for (const [name, { value }] of this.#pending) yield [name, value !== undefined]
  }

  /**
   * Lands a batch that does not change the fence: one write, one fdatasync. `undefined` where the owner is one no
   * more and nothing was written. A failure ends the owner: what the journal holds then is for a take-over to say.
   */
  async land(changes: readonly Change[], guards: readonly Guard[]): Promise<boolean | undefined> {
    const held = await this.read(guards.map(({ name }) => name))
    if (!held) return undefined
    if (!guards.every(({ value }, index) => held[index] === value)) return false
    const entry = encodeEntry(await this.#withBases(changes))
    const journal = this.#journal
    try {
      await this.#append(journal, entry)
    } catch (error) {
      await this.end()
      throw error
    }
    if (!this.isOwner) return this.#settle(journal)
    this.#remember(changes)
    return true
  }

  /**
   * Brings Baileys' creds file up to date, safe on disk where it has to be or batches are. In turns, so that an older
   * text never replaces a newer one.
   */
  writeCreds(isSafe: boolean = this.#place.sync.batches): Promise<void> {
    const turn = async () => {
      const creds = this.#pending.get(credsName)
      if (!creds || creds === this.#writtenCreds) return
      const files = isSafe && this.#place.sync.files
      const place = { ...this.#place, sync: { ...this.#place.sync, files } }
      await applyTexts(place, this.placement, this.#folder, [[credsName, creds.value]])
      if (isSafe) this.#writtenCreds = creds
    }
    const written = this.#credsTurn.then(turn)
    this.#credsTurn = written.catch(() => {})
    return written
  }

  /** Starts a new journal, so that the ones before it can be cut; gives the last of those. */
  async rotate(): Promise<number> {
    const old = this.#journal
    const path = journalPath(this.#folder, this.#id, old.sequence + 1)
    const file = await this.#place.fs.create(path)
    try {
      if (this.#place.sync.batches) await this.#place.fs.syncFolder(this.#folder)
      const { device, inode } = await file.identify()
      this.#device = device
      this.#inode = inode
    } catch (error) {
      // A journal after the current one, which is still appended to, would be read out of order.
      await this.end()
      await file.close().catch(() => {})
      throw error
    }
    this.#journal = { file, path, sequence: old.sequence + 1, bytes: 0, length: 0 }
    await old.file.close()
    return old.sequence
  }

  /** Writes record files for what the journals up to this one hold, makes them safe, and cuts those journals. */
  writeFiles(through: number): Promise<void> {
    // In turns: of two at once, the one with older texts could be the last to rename.
    const written = this.#filesTurn.then(() => this.#writeFiles(through))
    this.#filesTurn = written.catch(() => {})
    return written
  }

  async #writeFiles(through: number): Promise<void> {
    // Also what was changed again since: the next journal builds on a text of these, and a file that never had it
    // would look as if another program had written it.
    const due = Array.from(this.#pending).filter(([, { since }]) => since <= through)
    await this.writeCreds(true)
    await applyTexts(
      this.#place,
      this.placement,
      this.#folder,
      due.filter(([name]) => name !== credsName).map(([name, { value }]) => [name, value] as const),
    )
    await syncRecordFolders(this.#place)
    if (!this.isOwner) throw new Moved()
    for (const { path, sequence } of await journalsIn(this.#place, this.#folder, this.#id)) {
      if (sequence <= through) await ifPresent(this.#place.fs.unlink(path))
    }
    this.#cuts++
    for (const [name, written] of due) {
      const pending = this.#pending.get(name)
      if (pending === written && written.sequence <= through) this.#pending.delete(name)
      else if (pending) pending.since = through + 1
    }
  }

  /** Closes the journal, and forgets what is pending: it is in the journal, for whoever takes the scope over. */
  async end(): Promise<void> {
    if (this.#hasEnded) return
    this.#hasEnded = true
    await this.#journal.file.close().catch(() => {})
  }

  /**
   * Where each entry has to be safe by itself, the journal grows ahead of its entries, by zeros: on a file whose length
   * stays as it is, an fdatasync takes two thirds of the time. By as much as it holds, so that one with little in it
   * stays small.
   */
  async #append(journal: OpenJournal, entry: Buffer): Promise<void> {
    const { bytes, length, file } = journal
    const { batches: isSynced } = this.#place.sync
    const isGrowing = isSynced && bytes + entry.length > length
    const written = isGrowing ? Buffer.concat([entry, Buffer.alloc(Math.min(bytes, mostAhead))]) : entry
    await writeAll(file, written, bytes)
    if (isSynced) await file.datasync()
    journal.bytes = bytes + entry.length
    journal.length = Math.max(length, bytes + written.length)
  }

  async #recognise(): Promise<void> {
    const { device, inode } = await this.#journal.file.identify()
    this.#device = device
    this.#inode = inode
  }

  #remember(changes: readonly Change[]): void {
    const { sequence } = this.#journal
    if (this.#hashes.size > hashesRemembered) this.#hashes.clear()
    for (const { name, value } of changes) {
      if (name === fenceName) continue
      this.#pending.set(name, { value, sequence, since: this.#pending.get(name)?.since ?? sequence })
      this.#hashes.set(name, hashOf(value))
    }
  }

  /** Adds to each first change of a record in this journal the hash of the text that it replaces. */
  async #withBases(
    changes: readonly Change[],
  ): Promise<{ name: string; value: string | undefined; base: string | undefined }[]> {
    const bases = new Map<string, string>()
    const unknown: string[] = []
    // All that memory knows before anything is waited for: files that are written meanwhile leave it.
    for (const { name } of changes) {
      const pending = this.#pending.get(name)
      if (pending?.sequence === this.#journal.sequence) continue
      const known = pending ? hashOf(pending.value) : this.#hashes.get(name)
      if (known !== undefined) bases.set(name, known)
      else if (this.placement.isAbsent(name)) bases.set(name, hashOf(undefined))
      else unknown.push(name)
    }
    for (const [name, text] of await readTexts(this.placement, unknown)) bases.set(name, hashOf(text))
    return changes.map(({ name, value }) => ({ name, value, base: bases.get(name) }))
  }

  /** The scope was taken over around the append. The next owner has written down how far the journal counted. */
  async #settle(journal: OpenJournal): Promise<boolean> {
    await this.end()
    const mine = { id: this.#id, sequence: journal.sequence, bytes: journal.bytes }
    const until = performance.now() + settlesWithinMs
    for (let isLast = false; !isLast; ) {
      // Before it looks: a process that stands still shall look once more when it goes on.
      isLast = performance.now() >= until
      const counted = await hasCounted(this.#place, mine)
      if (counted !== undefined) return counted
      await delay(10)
    }
    throw trouble(
      'WRITE_FAILED',
      `The session in ${this.#place.folder ?? this.#place.home} was taken over while a batch was written, and its new owner has not finished: whether the batch landed is unknown. Read it again.`,
    )
  }
}
