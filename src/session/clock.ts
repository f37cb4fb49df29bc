/** Milliseconds on the monotonic clock. */
export function monotonicMs(): number {
  return performance.now()
}

/** Resolves after `ms`. The timer keeps the process alive: some caller's promise waits for it. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, timerMs(ms))
    if (signal?.aborted) done()
    else signal?.addEventListener('abort', done)
  })
}

class NoAnswerError extends Error {
  readonly code = 'ETIMEDOUT'
}

/** True for what {@link withTimeout} rejected with. */
export function isTimeout(error: unknown): boolean {
  return error instanceof NoAnswerError
}

/**
 * Gives `promise` up after `ms` with an error of its own; what it does later is ignored. The timer keeps the process
 * alive, unless told not to: then nobody waits.
 */
export function withTimeout<T>(
  promise: Promise<T>,
  ms: number,
  { keepsAlive }: { readonly keepsAlive: boolean } = { keepsAlive: true },
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new NoAnswerError(`No answer within ${Math.round(ms)} ms.`)),
      timerMs(ms),
    )
    if (!keepsAlive) timer.unref()
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/**
 * What a timer takes: whole milliseconds, of which it would cut off the rest and ring too early; not a little less than
 * nothing, as what is left of a deadline may be, nor more than 31 bits.
 */
function timerMs(ms: number): number {
  return Math.min(Math.ceil(Math.max(ms, 0)), 2 ** 31 - 1)
}
