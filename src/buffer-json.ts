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
  // TypeScript's declaration leaves out that values without a text give undefined.
  const text: string | undefined = JSON.stringify(value, BufferJSON.replacer)
  if (text === undefined) throw new TypeError(`A value of type ${typeof value} has no JSON text.`)
  return text
}

/** The value of a text, as `JSON.parse(text, BufferJSON.reviver)` has it. Throws a `SyntaxError` for a broken text. */
export function decode(text: string): unknown {
  const root: { [key: string]: unknown } = { value: JSON.parse(text) }
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

function isObject(value: unknown): value is { [key: string]: unknown } {
  return typeof value === 'object' && value !== null
}
