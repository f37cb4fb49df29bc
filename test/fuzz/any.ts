import fc from 'fast-check'
import { hostileNames, hostileTexts } from '../suite/hostile.ts'

/** A text of any UTF-16, lone surrogates among it. */
const anyUtf16 = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 })
  .map(units => String.fromCharCode(...units))

/** An id, a type or a session's name: hostile, or any. */
export const anyId: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...hostileNames) },
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  anyUtf16,
)

const variants: ((id: string) => string)[] = [
  swapCase,
  id => `${id}0`,
  id => `${id}/`,
  id => `${id} `,
  id => encodeURIComponent(Buffer.from(id).toString()),
  id => id.normalize('NFD'),
  id => id.slice(0, -1),
  id => id.repeat(40),
]

/** Ids, the like of which have been taken for one another: in another case, longer by a little, escaped. */
export const likelyConfused: fc.Arbitrary<string[]> = fc
  .array(fc.tuple(anyId, fc.subarray(variants, { maxLength: 2 })), { minLength: 1, maxLength: 4 })
  .map(named => Array.from(new Set(named.flatMap(([id, others]) => [id, ...others.map(other => other(id))]))))

/** A text as a store gets it: well-formed Unicode without U+0000. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...hostileTexts.filter(text => text.length < 1000)) },
  fc.constantFrom(...hostileTexts),
  {
    weight: 3,
    arbitrary: fc.string({ unit: 'binary', maxLength: 40 }).map(text => text.replaceAll('\0', '')),
  },
)

const leaf = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  anyUtf16,
  fc.integer(),
  // JSON has no NaN, no Infinity and no -0.
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(number => number + 0),
  fc.constantFrom(null, true, false),
  fc.uint8Array({ maxLength: 40 }),
  fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes)),
)

/** A value that BufferJSON can carry. Falsy ones remove, at the top. */
export const anyValue: fc.Arbitrary<unknown> = fc.letrec<{ tree: unknown }>(tie => ({
  tree: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc.array(tie('tree'), { maxLength: 4 }),
    fc
      .array(fc.tuple(anyId, tie('tree')), { maxLength: 4 })
      // BufferJSON takes an object of type 'Buffer' for bytes.
      .map(entries => Object.fromEntries(entries.filter(([name]) => name !== 'type' && name !== 'buffer'))),
  ),
})).tree

function swapCase(text: string): string {
  return Array.from(text, one => (one === one.toLowerCase() ? one.toUpperCase() : one.toLowerCase())).join('')
}
