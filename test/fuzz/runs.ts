const factor = Number(process.env.AUTHKIT_FUZZ_RUNS ?? 1)

/** So many runs of a property, times `AUTHKIT_FUZZ_RUNS`. */
export function runs(count: number): number {
  return Math.max(1, Math.round(count * factor))
}

/** How long a test may take beside others, in milliseconds. */
export const patienceMs: number = 60_000 * Math.max(1, factor)
