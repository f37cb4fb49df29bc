import { fenceName, heartbeatName, isInternalScope, ownersScope } from '../../src/names.ts'
import { formatFence, newFence } from '../../src/session/fence.ts'
import type { Store } from '../../src/store.ts'
import { passThrough } from './pass-through.ts'

/** The host that a foreign owner says it runs on. */
export const foreignHost = 'another-host.example'

/** Plays an owner of a session in another process, on another host. */
export interface ForeignOwner {
  /** What its fence says. */
  readonly fence: string
  /** Takes the session, whoever holds it. */
  take(): Promise<void>
  /** Gives the session up, as a clean close does. */
  release(): Promise<void>
  /** Writes its heartbeat once more. */
  beat(): Promise<void>
}

/** A foreign owner of a session; it holds nothing before it takes it. */
export function foreignOwner(
  store: Store,
  scope: string,
  session: string,
  ttlMs: number = 10_000,
): ForeignOwner {
  const owner = 'owner-on-another-host'
  const identity = {
    host: foreignHost,
    bootId: 'boot-of-another-host',
    pidNamespace: 'pid:[1]',
    pid: 4711,
    started: 1,
  }
  const fence = { ...newFence(scope, session, owner, ttlMs), ...identity }
  let beats = 0
  const change = async (value: string): Promise<void> => {
    for (;;) {
      const [now] = await store.read(scope, [fenceName])
      if (await store.write(scope, [{ name: fenceName, value }], [{ name: fenceName, value: now }])) return
    }
  }
  const beat = async (): Promise<void> => {
    beats++
    await store.write(ownersScope, [{ name: heartbeatName(owner), value: `beat ${beats}` }])
  }
  return {
    fence: formatFence(fence),
    async take() {
      await beat()
      await change(formatFence(fence))
    },
    release: () => change(formatFence({ ...fence, released: true })),
    beat,
  }
}

/** A store that looks at heartbeats only after `beforeLook` is done: an owner that beats there never seems dead. */
export function watchedStore(store: Store, beforeLook: () => Promise<void>): Store {
  return {
    ...passThrough(store),
    async read(scope, names) {
      if (isInternalScope(scope)) await beforeLook()
      return store.read(scope, names)
    },
  }
}
