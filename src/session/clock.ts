const longestTimerMs = 2 ** 31 - 1

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
    const timer = setTimeout(done, Math.min(ms, longestTimerMs))
    if (signal?.aborted) done()
    else signal?.addEventListener('abort', done)
  })
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
      () => reject(Object.assign(new Error(`No answer within ${Math.round(ms)} ms.`), { code: 'ETIMEDOUT' })),
      Math.min(ms, longestTimerMs),
    )
    if (!keepsAlive) timer.unref()
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
