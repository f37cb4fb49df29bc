/** Pseudo-random numbers that are the same in every run with the same seed. */
export interface Random {
  readonly seed: number
  /** An integer from 0 to `below` - 1. */
  integer(below: number): number
  /** One of the items. */
  pick<T>(items: readonly [T, ...T[]]): T
  /** So many random bytes. */
  bytes(length: number): Buffer
}

/** The seed of a run: `AUTHKIT_SEED`, else always the same. A failing case prints it. */
export function seedOfRun(): number {
  return Number(process.env.AUTHKIT_SEED ?? 20_260_101)
}

/** A generator for one case. (mulberry32: small, and good enough to choose test data.) */
export function randomOf(seed: number = seedOfRun()): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  return {
    seed,
    integer: below => next() % below,
    pick: items => items[next() % items.length] ?? items[0],
    bytes: length => Buffer.from(Array.from({ length }, () => next() & 0xff)),
  }
}
