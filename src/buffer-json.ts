import { Buffer } from 'node:buffer'
import { types } from 'node:util'

/**
 * Baileys' JSON with bytes: `JSON.stringify(value, BufferJSON.replacer)` writes the text that every release of Baileys
 * writes (`{"type":"Buffer","data":"<base64>"}` for bytes), and `JSON.parse(text, BufferJSON.reviver)` reads what any
 * of them wrote, the older `data: [numbers]` and `{"buffer":true,"data":...}` among it.
 *
 * Other than Baileys 7's, it never takes an object for bytes because its keys begin with digits and its values are
 * numbers; and what has the form of bytes but holds none (`data: [300, -1, 'x']`, `data: 5`) comes back as the object
 * that it is. As in every Baileys, an object of the caller's own with `type: 'Buffer'` and `data` is taken for bytes.
 */
export const BufferJSON: {
  replacer(key: string, value: unknown): unknown
  reviver(key: string, value: unknown): unknown
} = {
  replacer: (_key, value) => {
    const bytes = bytesOfValue(value)
    return bytes ? { type: 'Buffer', data: bytes.toString('base64') } : value
  },
  reviver: (_key, value) => (isObject(value) ? (bytesOfJson(value) ?? value) : value),
}

/**
 * The text of a value, as `JSON.stringify(value, BufferJSON.replacer)` has it. Throws a `TypeError` where JSON has no
 * text for it: for `undefined`, a function, a symbol, a bigint, an object that holds itself.
 */
export function encode(value: unknown): string {
  const text = textOf('', value, 0)
  if (text === undefined) throw new TypeError(`A value of type ${typeof value} has no JSON text.`)
  return text
}

/** The value of a text, as `JSON.parse(text, BufferJSON.reviver)` has it. Throws a `SyntaxError` for a broken text. */
export function decode(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return mayHoldBytes(text) ? withBytes(value) : value
}

/*
 * Encoding reads of a value what JSON.stringify reads with the replacer, and calls what that calls, once and in the
 * same order: no getter, toJSON or proxy can tell the two apart. (Looking for bytes first, to leave a value without any
 * to a plain JSON.stringify, would read everything twice.)
 */

interface Fields {
  readonly [key: string]: unknown
}

/** The text of what its holder has under `key`; `undefined` where JSON leaves it out. */
function textOf(key: string | number, value: unknown, depth: number): string | undefined {
  if (!mayHaveToJson(value)) return textOfReplaced(value, depth)
  const { toJSON } = value
  if (toJSON === undefined) return textOfReplaced(value, depth)
  // It would make an array of numbers, only for these to become bytes again: as many as the length says, so that one
  // which someone has changed is left to it.
  if (toJSON === bufferToJson && Buffer.isBuffer(value) && value.length === value.byteLength)
    return textOfBytes(value)
  if (typeof toJSON !== 'function') return textOfReplaced(value, depth)
  return textOfReplaced(Reflect.apply(toJSON, value, [`${key}`]), depth)
}

/** The text of what toJSON returned, or of a value without one. */
function textOfReplaced(value: unknown, depth: number): string | undefined {
  switch (typeof value) {
    case 'string':
      return quoted(value)
    case 'number':
      return Number.isFinite(value) ? `${value}` : 'null'
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      return isObject(value) ? textOfObject(value, depth) : 'null'
    case 'bigint':
      throw new TypeError('A bigint has no JSON text.')
    default:
      return undefined
  }
}

function textOfObject(value: Fields, depth: number): string | undefined {
  const bytes = bytesOfValue(value)
  if (bytes) return textOfBytes(bytes)
  if (depth === maxDepth || types.isBoxedPrimitive(value)) return slowTextOf(value)
  if (!Array.isArray(value)) return textOfFields(value, depth + 1)
  // Behind a proxy, an array's length may be anything.
  return types.isProxy(value) ? slowTextOf(value) : textOfItems(value, depth + 1)
}

function textOfFields(value: Fields, depth: number): string | undefined {
  const names = Object.keys(value)
  if (names.length === 1 && names[0] === 'rawJSON') return slowTextOf(value) // Maybe one that JSON.rawJSON made.
  let text = ''
  for (const name of names) {
    const field = value[name]
    // Strings, most of what there is, don't take the long way.
    const fieldText = typeof field === 'string' ? quoted(field) : textOf(name, field, depth)
    if (fieldText === undefined) continue
    text += text === '' ? firstNames.textOf(name) : nextNames.textOf(name)
    text += fieldText
  }
  return text === '' ? '{}' : `${text}}`
}

function textOfItems(items: readonly unknown[], depth: number): string {
  const { length } = items
  let text = '['
  for (let index = 0; index < length; index++) {
    if (index > 0) text += ','
    text += textOf(index, items[index], depth) ?? 'null'
  }
  return `${text}]`
}

/** By JSON.stringify itself, for what is rare, and for what is so deep that it may hold itself or run out of stack. */
function slowTextOf(value: object): string | undefined {
  let isFirst = true
  return JSON.stringify(null, (key, inner) => {
    if (!isFirst) return BufferJSON.replacer(key, inner)
    isFirst = false
    return value // Which therefore isn't asked for a toJSON again.
  })
}

const maxDepth = 100

/**
 * Texts of field names, kept because the same names come again and again: those of creds and sessions, and the keys of
 * the peers who write. Without them a session takes a third longer.
 */
class NameTexts {
  readonly #before: string
  readonly #texts = new Map<string, string>()

  constructor(before: string) {
    this.#before = before
  }

  textOf(name: string): string {
    const known = this.#texts.get(name)
    if (known !== undefined) return known
    const text = `${this.#before}${quoted(name)}:`
    if (name.length > maxNameLength) return text
    if (this.#texts.size === maxNames) this.#texts.clear()
    this.#texts.set(name, text)
    return text
  }
}

const maxNames = 1000
const maxNameLength = 64
const firstNames = new NameTexts('{')
const nextNames = new NameTexts(',')

function quoted(text: string): string {
  return mayNeedEscapes.test(text) ? JSON.stringify(text) : `"${text}"`
}

// Of surrogates only those without a partner do.
const mayNeedEscapes = /[^ !#-[\]-\ud7ff\ue000-\uffff]/

function textOfBytes(bytes: Buffer): string {
  return `{"type":"Buffer","data":"${bytes.toString('base64')}"}`
}

/** Node's own, unless someone had put another in its place. */
const bufferToJson: unknown =
  JSON.stringify(Buffer.from([7])) === '{"type":"Buffer","data":[7]}' && Buffer.prototype.toJSON

/** False where no form of bytes can be in a text, as in a session's, which then needs no walk. */
function mayHoldBytes(text: string): boolean {
  // All forms have "Buffer" or "buffer" in them, and JSON may write any letter by its number.
  return text.includes('uffer"') || text.includes('\\u00')
}

function withBytes(value: unknown): unknown {
  const root: { [key: string]: unknown } = { value }
  const holders = [root]
  for (let holder = holders.pop(); holder; holder = holders.pop()) {
    // Only keys that are there are assigned, so that one named __proto__ never reaches the prototype's setter.
    for (const key of Object.keys(holder)) {
      const value = holder[key]
      if (!isObject(value)) continue
      const bytes = bytesOfJson(value)
      if (bytes) holder[key] = bytes
      else holders.push(value)
    }
  }
  return root.value
}

function bytesOfValue(value: unknown): Buffer | undefined {
  // Not by instanceof: bytes of another realm (a vm, jest) are bytes. A Buffer comes through its own toJSON instead.
  if (types.isUint8Array(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (!isObject(value) || value.type !== 'Buffer') return undefined
  try {
    // As Baileys does; the cast stands for all that Buffer.from finds out itself: numbers, bytes, a string of UTF-8.
    return Buffer.from((value.data || value) as Uint8Array)
  } catch {
    return undefined // No bytes can be made of it, so it's an object of the caller's.
  }
}

function bytesOfJson(value: { readonly [key: string]: unknown }): Buffer | undefined {
  if (value.type === 'Buffer') return bytesOfData(value.data)
  // Unlike the form above, this one is no longer written, so an object that has more than its keys isn't one.
  if (value.buffer !== true || !Object.keys(value).every(key => bufferKeys.has(key))) return undefined
  return bytesOfData(value.data ?? value.value)
}

const bufferKeys = new Set(['buffer', 'type', 'data', 'value'])

function bytesOfData(data: unknown): Buffer | undefined {
  if (typeof data === 'string') return Buffer.from(data, 'base64')
  return Array.isArray(data) && data.every(isByte) ? Buffer.from(data) : undefined
}

function isByte(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 255
}

function mayHaveToJson(value: unknown): value is { readonly toJSON?: unknown } {
  return (
    (typeof value === 'object' && value !== null) || typeof value === 'function' || typeof value === 'bigint'
  )
}

function isObject(value: unknown): value is { [key: string]: unknown } {
  return typeof value === 'object' && value !== null
}
