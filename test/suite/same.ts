import assert from 'node:assert/strict'

/**
 * Asserts deep equality of what BufferJSON can carry. Bytes are compared as bytes (a `Uint8Array` comes back as a
 * `Buffer`), and prototypes are not compared: a runner's sandbox has its own `Object` and `Array`.
 */
export function assertSame(actual: unknown, expected: unknown, message = 'value'): void {
  const difference = differenceOf(actual, expected, '')
  if (difference !== undefined) assert.fail(`${message}${difference}`)
}

/** Says where two values differ; `undefined` where they don't. */
export function differenceOf(actual: unknown, expected: unknown, path: string): string | undefined {
  if (Object.is(actual, expected)) return undefined
  const bytes = [bytesOf(actual), bytesOf(expected)]
  if (bytes[0] !== undefined && bytes[1] !== undefined) {
    return bytes[0].equals(bytes[1]) ? undefined : `${path} holds other bytes`
  }
  if (bytes[0] !== undefined || bytes[1] !== undefined || !isObject(actual) || !isObject(expected)) {
    return `${path} is ${show(actual)}, not ${show(expected)}`
  }
  if (Array.isArray(actual) !== Array.isArray(expected)) return `${path} is an array on one side only`
  const names = Object.keys(expected)
  const extra = Object.keys(actual).filter(name => !Object.hasOwn(expected, name))
  if (extra.length > 0) return `${path} has ${show(extra[0])} besides`
  for (const name of names) {
    if (!Object.hasOwn(actual, name)) return `${path} lacks ${show(name)}`
    const difference = differenceOf(actual[name], expected[name], `${path}[${JSON.stringify(name)}]`)
    if (difference !== undefined) return difference
  }
  return undefined
}

function bytesOf(value: unknown): Buffer | undefined {
  if (!ArrayBuffer.isView(value)) return undefined
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function show(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 120 ? `${text.slice(0, 120)}... (${text.length} characters)` : text
}
