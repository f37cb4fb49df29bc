import { fenceName, isInternalScope, isReserved } from '../../names.ts'
import { hiddenUnder, sealedMark } from '../../sealed-marks.ts'
import type {
  Change,
  Durability,
  Entry,
  Guard,
  ListOptions,
  Store,
  StoreLimits,
  StoreWarning,
} from '../../store.ts'
import type { KeyRing } from './key-ring.ts'
import { type Layout, Layouts } from './layouts.ts'
import { type SealErrors, sealErrors } from './seal-errors.ts'
import { sealName } from './seal-record.ts'
import { headerOf, openText, parseHeader, sealText } from './sealed-text.ts'
import { type SessionKey, SessionKeys } from './session-keys.ts'

/** A store that seals what goes into another one. Each method keeps the contract that the other one's keeps. */
export class SealedStore implements Store {
  readonly kind: string
  readonly durability: Durability
  readonly isPermanent?: (error: unknown) => boolean
  readonly #store: Store
  readonly #hideNames: boolean
  readonly #ring: KeyRing
  readonly #keys: SessionKeys
  readonly #layouts: Layouts

  constructor(store: Store, ring: KeyRing, hideNames: boolean) {
    this.kind = store.kind
    this.durability = store.durability
    if (store.isPermanent) this.isPermanent = error => store.isPermanent?.(error) ?? false
    this.#store = store
    this.#hideNames = hideNames
    this.#ring = ring
    this.#keys = new SessionKeys(ring)
    this.#layouts = new Layouts(store, this.#keys, hideNames)
  }

  get identity(): readonly unknown[] {
    return this.#store.identity
  }

  get warnings(): readonly StoreWarning[] {
    return this.#store.warnings ?? []
  }

  get limits(): StoreLimits {
    const { readNames, batchBytes, ...rest } = this.#store.limits
    const placesPerName = this.#hideNames ? this.#ring.size + 1 : 1
    // Base64 and headers: small records grow the most, and names of 20 bytes to 75 where they are hidden.
    const growth = this.#hideNames ? 4 : 2
    return {
      ...rest,
      readNames: Math.max(1, Math.floor((readNames - 1) / placesPerName)),
      batchBytes: Math.floor(batchBytes / growth),
    }
  }

  open(): Promise<void> {
    return this.#store.open()
  }

  async read(scope: string, names: readonly string[]): Promise<(string | undefined)[]> {
    if (isInternalScope(scope) || names.includes(sealName)) return await this.#store.read(scope, names)
    if (names.every(isReserved)) return await this.#readReserved(scope, names)
    let layout = this.#layouts.known(scope) ?? (await this.#firstLayout(scope))
    for (;;) {
      const places = names.map(name => (isReserved(name) ? [name] : this.#placesOf(layout, name)))
      const asked = places.flat()
      if (asked.length >= this.#store.limits.readNames && names.length > 1)
        return await this.#readHalves(scope, names)
      const texts = await this.#store.read(scope, [...asked, sealName])
      const seal = texts[asked.length]
      if (seal !== layout?.seal) {
        layout = await this.#layouts.interpret(scope, seal)
        if (this.#hideNames) continue
      }
      const found = firstFound(places, texts)
      // Nothing says that names are not hidden: a record that is not there may be there under another name.
      if (seal === undefined && !this.#hideNames && found.includes(undefined))
        await this.#layouts.interpret(scope, undefined)
      return await this.#openAll(scope, names, asked, texts, found)
    }
  }

  async write(scope: string, changes: readonly Change[], guards: readonly Guard[] = []): Promise<boolean> {
    const isTakeOver = changes.some(({ name }) => name === fenceName)
    const isOfRecords = isTakeOver || changes.some(({ name }) => !isReserved(name))
    if (isInternalScope(scope) || !isOfRecords) return await this.#store.write(scope, changes, guards)
    for (;;) {
      const layout = await this.#layouts.load(scope)
      const key = await this.#writingKey(
        scope,
        layout,
        changes.some(({ name, value }) => !isReserved(name) && value !== undefined),
      )
      const batch = changes.flatMap(change => this.#sealed(scope, layout, key, change))
      const theirs = guards.map(guard => this.#guard(key, guard))
      const nextSeal = isTakeOver ? layout.takeOverSeal : layout.nextSeal
      const changesSeal = nextSeal !== layout.seal
      // A fence tells by itself that nobody else has been here; other writers must not miss it when names become hidden.
      const guardsSeal = changesSeal || guards.length === 0
      if (changesSeal) batch.push({ name: sealName, value: nextSeal })
      this.#checkSize(scope, batch)
      const mine = guardsSeal ? [{ name: sealName, value: layout.seal }] : []
      const hasLanded = await this.#store.write(scope, batch, [...theirs, ...mine])
      if (hasLanded && changesSeal) this.#layouts.landed(scope, layout, nextSeal)
      if (hasLanded || !guardsSeal) return hasLanded
      const [seal] = await this.#store.read(scope, [sealName])
      if (seal === layout.seal) return false
      this.#layouts.saw(scope, seal)
    }
  }

  async *list(scope: string, options: ListOptions = {}): AsyncIterable<readonly Entry[]> {
    const { prefix = '', values = false } = options
    if (isInternalScope(scope)) {
      yield* this.#store.list(scope, options)
      return
    }
    const pages = this.#store.list(
      scope,
      this.#hideNames ? { ...options, prefix: '', values: true } : options,
    )
    let isLayoutSure = false
    for await (const page of pages) {
      if (!isLayoutSure) await this.#makeSureOf(scope, page)
      isLayoutSure = true
      const entries: Entry[] = []
      for (const entry of page) {
        if (entry.name === sealName) continue
        const record = await this.#listed(scope, entry, values)
        if (record.name.startsWith(prefix)) entries.push(values ? record : { name: record.name })
      }
      if (entries.length > 0) yield entries
    }
  }

  /** Knows the layout of the records of a page; asks the store only where the page itself does not tell. */
  async #makeSureOf(scope: string, page: readonly Entry[]): Promise<void> {
    const seal = page.find(({ name }) => name === sealName)?.value
    if (seal === undefined || this.#layouts.known(scope)?.seal !== seal) await this.#layouts.refresh(scope)
  }

  scopes(prefix?: string): AsyncIterable<readonly string[]> {
    return this.#store.scopes(prefix)
  }

  async remove(scope: string, guards: readonly Guard[] = []): Promise<boolean> {
    const isPlain = !this.#hideNames || guards.every(({ name }) => isReserved(name))
    const layout = isPlain ? undefined : await this.#layouts.load(scope)
    const theirs = layout ? guards.map(guard => this.#guard(layout.hidingNext, guard)) : guards
    this.#layouts.forget(scope)
    return await this.#store.remove(scope, theirs)
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  /** In plain names a read needs no layout to begin with; it finds out whether there is a reason not to trust it. */
  async #firstLayout(scope: string): Promise<Layout | undefined> {
    return this.#hideNames ? await this.#layouts.load(scope) : undefined
  }

  async #readReserved(scope: string, names: readonly string[]): Promise<(string | undefined)[]> {
    if (!names.includes(fenceName)) return await this.#store.read(scope, names)
    // Who asks for the fence will take it, or read other records next. A fence itself is nobody's secret.
    const texts = await this.#store.read(scope, [...names, sealName])
    this.#layouts.saw(scope, texts.pop())
    return texts
  }

  async #readHalves(scope: string, names: readonly string[]): Promise<(string | undefined)[]> {
    const half = Math.ceil(names.length / 2)
    const parts = [names.slice(0, half), names.slice(half)].map(part => this.read(scope, part))
    return (await Promise.all(parts)).flat()
  }

  /** Where a record may be stored, the latest place first. */
  #placesOf(layout: Layout | undefined, name: string): string[] {
    const hidden = layout?.hiding.map(key => this.#keys.hide(key, name)) ?? []
    return layout === undefined || layout.isPlain ? [...hidden, name] : hidden
  }

  async #openAll(
    scope: string,
    names: readonly string[],
    asked: readonly string[],
    texts: readonly (string | undefined)[],
    found: readonly (number | undefined)[],
  ): Promise<(string | undefined)[]> {
    const opened: (string | undefined)[] = []
    for (const [at, name] of names.entries()) {
      const index = found[at] ?? -1
      const stored = asked[index]
      const text = texts[index]
      if (stored === undefined || text === undefined) opened.push(undefined)
      else if (isReserved(name)) opened.push(text)
      else {
        const record = await this.#open(scope, stored, text, name)
        if (record.name !== name) throw this.#errors(scope).corrupt(undefined, name)
        opened.push(record.value)
      }
    }
    return opened
  }

  /** A stored record under its real name. `record` is what an error names it by. */
  async #open(scope: string, stored: string, text: string, record: string): Promise<Required<Entry>> {
    const isHidden = hiddenUnder(stored) !== undefined
    if (!text.startsWith(sealedMark)) {
      if (isHidden || !mayBeJson(text)) throw this.#errors(scope).corrupt(undefined, record)
      return { name: stored, value: text }
    }
    const header = parseHeader(text)
    if (!header || header.isNamed !== isHidden) throw this.#errors(scope).corrupt(undefined, record)
    const { keyId, kdf } = header
    const key = this.#keys.ready(scope, keyId, kdf) ?? (await this.#layouts.key(scope, keyId, kdf, record))
    const opened = openText(header, key.records, scope, stored, text)
    if (opened === undefined) throw this.#errors(scope).corrupt(keyId, record)
    this.#ring.get(keyId)?.proved(kdf)
    if (!header.isNamed) return { name: stored, value: opened }
    const end = opened.indexOf('\n')
    return { name: opened.slice(0, end), value: opened.slice(end + 1) }
  }

  async #listed(scope: string, { name, value }: Entry, values: boolean): Promise<Entry> {
    const isHidden = hiddenUnder(name) !== undefined
    if (isHidden && !this.#hideNames) throw this.#errors(scope).namesHidden()
    if (isReserved(name) || value === undefined || !(isHidden || values)) {
      return value === undefined ? { name } : { name, value }
    }
    return await this.#open(scope, name, value, name)
  }

  /**
   * In plain names each record says with which salt it was sealed, so that the latest is as good as any; it is not
   * asked for before there is something to seal, since what is read until then may tell of one.
   */
  async #writingKey(scope: string, layout: Layout, isNeeded: boolean): Promise<SessionKey | undefined> {
    if (layout.hidingNext || !isNeeded) return layout.hidingNext
    const { id, writingKdf } = this.#ring.first
    return this.#keys.ready(scope, id, writingKdf) ?? (await this.#layouts.key(scope, id, writingKdf))
  }

  #sealed(scope: string, layout: Layout, key: SessionKey | undefined, change: Change): Change[] {
    const { name, value } = change
    if (isReserved(name)) return [change]
    const isHidden = layout.hidingNext !== undefined
    const place = layout.hidingNext ? this.#keys.hide(layout.hidingNext, name) : name
    const others = this.#placesOf(layout, name).filter(other => other !== place)
    const removals = others.map(other => ({ name: other, value: undefined }))
    if (value === undefined || !key) return [{ name: place, value: undefined }, ...removals]
    const header = headerOf(key.keyId, key.kdf, isHidden)
    const text = isHidden ? `${name}\n${value}` : value
    return [{ name: place, value: sealText(header, key.records, scope, place, text) }, ...removals]
  }

  /** A guard on a record that is not reserved is about the text as it is stored. */
  #guard(key: SessionKey | undefined, guard: Guard): Guard {
    if (isReserved(guard.name) || !this.#hideNames || !key) return guard
    return { ...guard, name: this.#keys.hide(key, guard.name) }
  }

  #checkSize(scope: string, batch: readonly Change[]): void {
    const { batchBytes } = this.#store.limits
    const bytes = batch.reduce(
      (sum, { name, value }) => sum + name.length + (value === undefined ? 0 : Buffer.byteLength(value)),
      0,
    )
    if (bytes > batchBytes) throw this.#errors(scope).tooLarge(bytes, batchBytes)
  }

  #errors(scope: string): SealErrors {
    return sealErrors(this.kind, scope)
  }
}

/** For each record's places, the index of the first that holds a text. */
function firstFound(
  places: readonly (readonly string[])[],
  texts: readonly (string | undefined)[],
): (number | undefined)[] {
  let from = 0
  return places.map(({ length }) => {
    const end = from + length
    let index = from
    while (index < end && texts[index] === undefined) index++
    from = end
    return index < end ? index : undefined
  })
}

/** JSON is all that the core writes: what cannot begin one was never a record's text. */
function mayBeJson(text: string): boolean {
  return /^[ \t\r\n"[{\-0-9tfn]/.test(text)
}
