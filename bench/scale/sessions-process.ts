import { type AuthState, useAuthState } from '../../src/auth-state.ts'
import { answerParent, type Commands } from '../child/answer-parent.ts'
import { ownStores } from '../own-stores.ts'
import type { Place } from '../places.ts'
import type { ScaleBackend } from './databases.ts'

/** What such a process is started with. */
export interface SessionsSettings {
  readonly backend: ScaleBackend
  readonly place: Place
}

/** What it is asked. */
export interface SessionsCommands extends Commands {
  /** Opens so many sessions, each with some records, and leaves them open. */
  open(count: number): Promise<SessionsCost>
}

/** What open sessions cost that nobody uses. */
export interface SessionsCost {
  /** Of the heap and outside of it, for each session that keeps nothing in a cache. */
  readonly bytesEach: number
  /** Calls to the store in a heartbeat's period, all sessions together. */
  readonly callsAPeriod: number
}

const ttlMs = 4_000
const periodMs = ttlMs / 4
const periods = 4
const records = 20
const text = 'x'.repeat(200)

const { backend, place }: SessionsSettings = JSON.parse(process.env.BENCH ?? '')
const { store } = ownStores[backend](place)
let calls = 0
for (const method of ['read', 'write'] as const) {
  const call: (...args: never[]) => unknown = store[method].bind(store)
  // Counted, and nothing else.
  store[method] = ((...args: never[]) => {
    calls += 1
    return call(...args)
  }) as never
}

const commands: SessionsCommands = {
  async open(count) {
    // What the first one brings is no session's own: the connections, the heartbeat, compiled code.
    for (let first = 0; first < 20; first++) await opened(`first-${first}`)
    const before = usedBytes()
    const sessions: AuthState[] = []
    for (let at = 0; at < count; at++) sessions.push(await opened(`session-${at}`))
    const bytesEach = (usedBytes() - before) / count
    calls = 0
    await new Promise(resolve => setTimeout(resolve, periods * periodMs))
    const found = { bytesEach, callsAPeriod: calls / periods }
    for (const session of sessions.reverse()) await session.close()
    return found
  },
}

answerParent(commands)

async function opened(session: string): Promise<AuthState> {
  const auth = await useAuthState(store, { session, logger: false, lease: { ttlMs }, cache: { maxBytes: 0 } })
  const data = Object.fromEntries(Array.from({ length: records }, (_, at) => [`${at + 10}`, text]))
  await auth.state.keys.set({ 'lid-mapping': data })
  return auth
}

function usedBytes(): number {
  // The process was started with --expose-gc.
  for (let time = 0; time < 3; time++) globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
