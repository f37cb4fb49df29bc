/**
 * From now on, timers of 5 s and more keep no process alive. Baileys 7 leaves one of 30 s behind for each upload of
 * pre-keys, and one of 60 s for each query that was under way when its socket ended; 6.7 leaves one of 20 s where its
 * socket ends before it got a history; both leave some of 5 to 15 s after a message that they could not decrypt.
 */
export function unrefLongTimers(): void {
  if (isDone) return
  isDone = true
  globalThis.setTimeout = new Proxy(globalThis.setTimeout, {
    apply: (target, self, args: Parameters<typeof setTimeout>) => {
      const timer: NodeJS.Timeout = Reflect.apply(target, self, args)
      if ((args[1] ?? 0) >= 5_000) timer.unref()
      return timer
    },
  })
}

let isDone = false
