/** Drops what libsignal prints when it closes a session: the whole of it, private keys and all. */
export function quietLibsignal(): void {
  if (isDone) return
  isDone = true
  for (const level of ['info', 'warn'] as const) {
    console[level] = new Proxy(console[level], {
      apply: (target, self, args: unknown[]) => {
        if (!String(args[0]).startsWith('Closing ')) Reflect.apply(target, self, args)
      },
    })
  }
}

let isDone = false
