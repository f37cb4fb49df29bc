import { createHmac, timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { isReserved } from '../../names.ts'
import { hiddenPrefix, hiddenUnder } from '../../sealed-marks.ts'
import type { Store } from '../../store.ts'
import { sealErrors } from './seal-errors.ts'
import { formatSeal, type HidingKey, parseSeal, sealName } from './seal-record.ts'
import { openText, parseHeader } from './sealed-text.ts'
import type { SessionKey, SessionKeys } from './session-keys.ts'

/** Where a session's records are, and how they are written. */
export interface Layout {
  /** What `!seal` holds. */
  readonly seal: string | undefined
  /** What it has to hold when the next batch has landed. */
  readonly nextSeal: string
  /**
   * The same for a batch that takes the session over. Until that has landed, the owner before may write what a look
   * did not find, so nothing that `!seal` tells of is left out yet.
   */
  readonly takeOverSeal: string
  /** What hides the name of the next record that is written, and seals it; `undefined` where names stay plain. */
  readonly hidingNext: SessionKey | undefined
  /** Under whose hidden names a record may be, in the ring's order. */
  readonly hiding: readonly SessionKey[]
  /** Whether it may be under its own name. */
  readonly isPlain: boolean
}

const mostScopes = 4_096

/**
 * Knows each session's {@link Layout}, from its `!seal` record where it has one; where a copy left that out, from a
 * look at the names of all its records. What a layout does not name, does not exist: so it never guesses.
 */
export class Layouts {
  readonly #store: Store
  readonly #keys: SessionKeys
  readonly #hideNames: boolean
  /** What `!seal` held when it was last seen, and what that means where somebody has asked. */
  readonly #seen = new LRUCache<string, { readonly seal: string | undefined; readonly layout?: Layout }>({
    max: mostScopes,
  })

  constructor(store: Store, keys: SessionKeys, hideNames: boolean) {
    this.#store = store
    this.#keys = keys
    this.#hideNames = hideNames
  }

  /** The layout that was last found; never one without a `!seal` that everybody else sees, too. */
  known(scope: string): Layout | undefined {
    return this.#seen.get(scope)?.layout
  }

  /** `!seal` was read, and held this. */
  saw(scope: string, seal: string | undefined): void {
    const seen = this.#seen.get(scope)
    if (!seen || seen.seal !== seal) this.#seen.set(scope, { seal })
  }

  /** A batch has landed that wrote `!seal` anew. */
  landed(scope: string, layout: Layout, seal: string): void {
    if (seal !== layout.nextSeal) {
      this.saw(scope, seal)
      return
    }
    const { hiding, hidingNext } = layout
    const isNew = hidingNext !== undefined && !hiding.includes(hidingNext)
    const now = {
      ...layout,
      seal,
      takeOverSeal: seal,
      hiding: isNew ? this.#inOrder([...hiding, hidingNext]) : hiding,
    }
    this.#seen.set(scope, { seal, layout: now })
  }

  forget(scope: string): void {
    this.#seen.delete(scope)
  }

  /** The layout as it was last seen, or as it is now; for what finds out if it has changed since. */
  async load(scope: string): Promise<Layout> {
    const seen = this.#seen.get(scope)
    if (!seen) return await this.refresh(scope)
    return seen.layout ?? (await this.interpret(scope, seen.seal))
  }

  /** The layout as it is now. */
  async refresh(scope: string): Promise<Layout> {
    const [seal] = await this.#store.read(scope, [sealName])
    const seen = this.#seen.get(scope)
    if (seen?.layout && seen.seal === seal) return seen.layout
    return await this.interpret(scope, seal)
  }

  /**
   * What `!seal` means, or the lack of it.
   *
   * @throws AuthStateError `STORE_UNUSABLE` when names are hidden and should not be; `SEAL_KEY_MISSING`,
   * `RECORD_CORRUPT`, `SCHEMA_NEWER` when names are hidden in a way that can't be followed
   */
  async interpret(scope: string, seal: string | undefined): Promise<Layout> {
    const layout = this.#hideNames ? await this.#hidden(scope, seal) : await this.#plain(scope, seal)
    // What a look found, and `!seal` does not tell, somebody else may change, and nothing would tell.
    const isTold = seal !== undefined && layout.nextSeal === layout.takeOverSeal
    this.#seen.set(scope, isTold ? { seal, layout } : { seal })
    return layout
  }

  /** The key of a session for one way to make it. @throws AuthStateError where there is none */
  async key(scope: string, keyId: string, kdf: string, record?: string): Promise<SessionKey> {
    const key = await this.#keys.derive(scope, keyId, kdf)
    if (typeof key === 'object') return key
    const errors = sealErrors(this.#store.kind, scope)
    if (key === 'missing') throw errors.keyMissing(keyId, record)
    throw record === undefined ? errors.otherKey(keyId) : errors.corrupt(keyId, record)
  }

  async #plain(scope: string, seal: string | undefined): Promise<Layout> {
    const errors = sealErrors(this.#store.kind, scope)
    if (seal === undefined) {
      for await (const page of this.#store.list(scope, { prefix: hiddenPrefix }))
        if (page.some(({ name }) => hiddenUnder(name) !== undefined)) throw errors.namesHidden()
    } else if (this.#parsed(scope, seal).names === 'hidden') throw errors.namesHidden()
    const nextSeal = formatSeal({ names: 'plain' })
    return { seal, nextSeal, takeOverSeal: nextSeal, hidingNext: undefined, hiding: [], isPlain: true }
  }

  async #hidden(scope: string, seal: string | undefined): Promise<Layout> {
    const { ring } = this.#keys
    const parsed = seal === undefined ? undefined : this.#parsed(scope, seal)
    const told = parsed?.names === 'hidden' ? parsed : undefined
    const doubtful = !told || told.plain || told.keys.some(({ id }) => !ring.get(id))
    const found = doubtful ? await this.#look(scope) : undefined
    const missing = Array.from(found?.keyIds ?? []).find(id => !ring.get(id))
    if (missing !== undefined) throw sealErrors(this.#store.kind, scope).keyMissing(missing)
    const proved = await this.#proved(scope, told?.keys.filter(({ id }) => ring.get(id)) ?? [])
    const isUntold = Array.from(found?.keyIds ?? []).some(id => !proved.some(({ keyId }) => keyId === id))
    const known = isUntold ? await this.#recovered(scope, proved) : proved
    const hiding = this.#inOrder(known)
    const hidingNext =
      hiding.find(({ keyId }) => keyId === ring.first.id) ??
      (await this.key(scope, ring.first.id, ring.first.writingKdf))
    const keys = (hiding.includes(hidingNext) ? hiding : [...hiding, hidingNext]).map(
      (key): HidingKey => ({ id: key.keyId, kdf: key.kdf, check: checkOf(key) }),
    )
    const leftOut = told?.keys.filter(({ id }) => !ring.get(id)) ?? []
    const isPlain = found?.isPlain ?? false
    const mayBePlain = isPlain || (told ? told.plain : found?.isHeld === true)
    return {
      seal,
      nextSeal: formatSeal({ names: 'hidden', plain: isPlain, keys }),
      takeOverSeal: formatSeal({ names: 'hidden', plain: mayBePlain, keys: [...keys, ...leftOut] }),
      hidingNext,
      hiding,
      isPlain,
    }
  }

  #parsed(scope: string, seal: string): Exclude<ReturnType<typeof parseSeal>, 'newer' | undefined> {
    const parsed = parseSeal(seal)
    if (parsed === undefined) throw sealErrors(this.#store.kind, scope).sealCorrupt()
    if (parsed === 'newer') throw sealErrors(this.#store.kind, scope).sealNewer()
    return parsed
  }

  /** The keys that `!seal` tells of. With a wrong one, every record would seem absent. */
  async #proved(scope: string, told: readonly HidingKey[]): Promise<SessionKey[]> {
    const keys: SessionKey[] = []
    for (const { id, kdf, check } of told) {
      const key = await this.key(scope, id, kdf)
      if (!timingSafeEqual(Buffer.from(check), Buffer.from(checkOf(key)))) {
        throw sealErrors(this.#store.kind, scope).otherKey(id)
      }
      this.#keys.ring.get(id)?.proved(kdf)
      keys.push(key)
    }
    return keys
  }

  /** What the names of a scope's records tell: which are plain, which keys hid the others, and whether it has an owner. */
  async #look(scope: string): Promise<{
    readonly isPlain: boolean
    readonly isHeld: boolean
    readonly keyIds: ReadonlySet<string>
  }> {
    const keyIds = new Set<string>()
    let isPlain = false
    let isHeld = false
    for await (const page of this.#store.list(scope)) {
      for (const { name } of page) {
        const keyId = hiddenUnder(name)
        if (keyId !== undefined) keyIds.add(keyId)
        else if (isReserved(name)) isHeld = true
        else isPlain = true
      }
    }
    return { isPlain, isHeld, keyIds }
  }

  /** The keys that hid the names of a scope's records, from their headers: all of them, each proved on a record. */
  async #recovered(scope: string, proved: readonly SessionKey[]): Promise<SessionKey[]> {
    const keys = [...proved]
    for await (const page of this.#store.list(scope, { prefix: hiddenPrefix, values: true })) {
      for (const { name, value } of page) {
        const keyId = hiddenUnder(name)
        if (keyId === undefined || value === undefined) continue
        const header = parseHeader(value)
        const errors = sealErrors(this.#store.kind, scope)
        if (!header || header.keyId !== keyId) throw errors.corrupt(undefined, name)
        if (keys.some(known => known.keyId === keyId && known.kdf === header.kdf)) continue
        const key = await this.key(scope, keyId, header.kdf, name)
        if (openText(header, key.records, scope, name, value) === undefined) throw errors.corrupt(keyId, name)
        this.#keys.ring.get(keyId)?.proved(header.kdf)
        keys.push(key)
      }
    }
    return keys
  }

  #inOrder(keys: readonly SessionKey[]): SessionKey[] {
    const { ring } = this.#keys
    return [...keys].sort((left, right) => ring.orderOf(left.keyId) - ring.orderOf(right.keyId))
  }
}

function checkOf(key: SessionKey): string {
  return createHmac('sha256', key.names).update(`\0${sealName}`).digest('hex').slice(0, 32)
}
