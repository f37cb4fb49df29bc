import { hostileTexts } from './hostile.ts'
import type { Random } from './random.ts'

/** A key pair as Baileys has them. */
export function keyPair(random: Random): { public: Uint8Array; private: Uint8Array } {
  return { public: new Uint8Array(random.bytes(33)), private: new Uint8Array(random.bytes(32)) }
}

/** A value of the kinds that Baileys and BufferJSON know, nested, never falsy: a falsy one removes. */
export function anyValue(random: Random, depth: number = 3): unknown {
  const make = random.pick<() => unknown>([
    () => random.bytes(random.integer(64)),
    () => new Uint8Array(random.bytes(random.integer(64))),
    () => random.bytes(random.integer(2000)).subarray(random.integer(10)),
    () => keyPair(random),
    () => `x${hostileTexts[random.integer(hostileTexts.length)]?.slice(0, 200)}`,
    () => 1 + random.integer(2 ** 31),
    () => -random.integer(1000) - 0.25,
    () => true,
    () => ({ 0: 1, 1: random.integer(256), 2: 3 }),
    () => Array.from({ length: random.integer(5) }, () => part(random, depth - 1)),
    () =>
      Object.fromEntries(
        Array.from({ length: random.integer(6) }, () => [anyName(random), part(random, depth - 1)]),
      ),
  ])
  return make()
}

/** An id out of pieces that break stores. */
export function anyName(random: Random): string {
  const pieces = [
    'a',
    'B',
    '0',
    '.',
    '..',
    '/',
    '\\',
    ':',
    '%',
    '_',
    '*',
    '?',
    '\0',
    ' ',
    'é',
    '日',
    '🤖',
    '\ud83e',
    '-',
  ]
  const length = 1 + random.integer(12)
  return Array.from({ length }, () => pieces[random.integer(pieces.length)]).join('')
}

/** Inside a value, falsy ones are values like any other. */
function part(random: Random, depth: number): unknown {
  if (depth <= 0 || random.integer(4) === 0)
    return random.pick<unknown>([null, false, true, 0, '', 'text', 1.5])
  return anyValue(random, depth)
}
