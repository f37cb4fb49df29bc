import { setTimeout as sleep } from 'node:timers/promises'
import type { AuthState } from '../../../src/auth-state.ts'
import { decode } from '../../../src/buffer-json.ts'
import { credsName, recordName, scopeOf } from '../../../src/names.ts'
import type { Store } from '../../../src/store.ts'
import { changesOfStep, stepOf } from '../../crashes/steps.ts'
import { open } from '../../engine/support/auth.ts'
import type { ServerStore } from '../../stores/server-store.ts'
import { within } from '../../whatsapp/within.ts'

/** What the load is, and where. */
export interface LoadOptions {
  /** How long calls are repeated through an outage. */
  readonly forMs: number
  readonly ttlMs?: number
  /** @default 4 */
  readonly sessions?: number
}

/** What every batch of a load holds, in its creds, and no question of the onlooker's. */
export const everyBatch = 'nextPreKeyId'

const watched = [
  recordName('lid-mapping', 'last'),
  ...['5511.0', '5522.0', '5533.1'].map(id => recordName('session', id)),
  credsName,
]
const writersOfSession = 3
const pauseMs = 4
const lookEveryMs = 15

/**
 * Several sessions in which steps are written at once, each with its creds in one batch, while an onlooker with a
 * client of its own reads along: it must see every step that was acknowledged before it asked, and none by half.
 */
export class Load {
  readonly #sessions: readonly LoadedSession[]
  readonly #at: ServerStore
  readonly #url: string
  readonly #ends: (() => Promise<void>)[] = []
  readonly #looking: Promise<void>
  #isStopped = false
  /** How often the onlooker has read one session's records. */
  looks = 0
  readonly #faults: unknown[] = []

  private constructor(at: ServerStore, url: string, sessions: readonly LoadedSession[], onlooker: Store) {
    this.#at = at
    this.#url = url
    this.#sessions = sessions
    this.#looking = this.#watch(onlooker)
  }

  /** Opens the sessions at the URL, and begins. */
  static async start(
    at: ServerStore,
    url: string,
    { forMs, ttlMs = 2_000, sessions = 4 }: LoadOptions,
  ): Promise<Load> {
    const [client, onlooker] = await Promise.all([at.open(url), at.open(url)])
    const options = { retry: { forMs }, lease: { ttlMs } }
    const opening = Array.from({ length: sessions }, async (_, index) => {
      const name = `load ${index}`
      return new LoadedSession(await open(client.store, { ...options, session: name }))
    })
    const load = new Load(at, url, await Promise.all(opening), onlooker.store)
    load.#ends.push(client.close, onlooker.close)
    return load
  }

  /** Resolves when every session has acknowledged a step that was begun after this call; rejects when one fails. */
  async progress(withinMs: number): Promise<void> {
    const news = this.#sessions.map(session => session.progress())
    await within(Promise.all(news), 'every session to land a step', withinMs)
  }

  /** Stops it, closes the sessions, and looks at what is stored; rejects when anything is not as it was acknowledged. */
  async stop(): Promise<{ steps: number }> {
    await Promise.all(this.#sessions.map(session => session.stop()))
    this.#isStopped = true
    await this.#looking
    for (const end of this.#ends) await end()
    // Hundreds may fail, and few words say why.
    const failures = new Set(this.#sessions.flatMap(session => session.failures.map(String)))
    expect({ failures: Array.from(failures), faults: this.#faults }).toEqual({ failures: [], faults: [] })
    expect(this.looks).toBeGreaterThan(0)
    const again = await this.#at.open(this.#url)
    let steps = 0
    for (const { name, acknowledged } of this.#sessions) {
      const auth = await open(again.store, { session: name, lease: { waitMs: 0 } })
      expect(await stepOf(auth)).toBe(acknowledged)
      steps += acknowledged
      await auth.close()
    }
    await again.close()
    return { steps }
  }

  async #watch(store: Store): Promise<void> {
    while (!this.#isStopped) {
      await sleep(lookEveryMs)
      for (const session of this.#sessions) {
        const { acknowledged } = session
        // What it can't read now it reads later.
        const texts = await store.read(scopeOf(session.name), watched).catch(() => undefined)
        if (texts) this.#judge(session.name, acknowledged, texts)
      }
    }
  }

  #judge(session: string, acknowledged: number, texts: readonly (string | undefined)[]): void {
    this.looks += 1
    const steps = texts.map(stepIn)
    const [step = 0] = steps
    const isWhole = steps.every(each => each === step)
    if (!isWhole || step < acknowledged) this.#faults.push({ session, acknowledged, steps })
  }
}

/** One session under load. */
class LoadedSession {
  readonly name: string
  readonly failures: unknown[] = []
  acknowledged = 0
  readonly #auth: AuthState
  readonly #writers: readonly Promise<void>[]
  #begun = 0
  #isStopped = false
  #watchers: {
    readonly after: number
    readonly resolve: () => void
    readonly reject: (error: unknown) => void
  }[] = []

  constructor(auth: AuthState) {
    this.#auth = auth
    this.name = auth.session
    this.#writers = Array.from({ length: writersOfSession }, () => this.#write())
  }

  progress(): Promise<void> {
    const after = this.#begun
    return new Promise((resolve, reject) => this.#watchers.push({ after, resolve, reject }))
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all(this.#writers)
    await this.#auth.close().catch(error => this.failures.push(error))
  }

  async #write(): Promise<void> {
    const { state, saveCreds } = this.#auth
    while (!this.#isStopped) {
      this.#begun += 1
      const step = this.#begun
      state.creds.nextPreKeyId = step
      try {
        // Baileys saves creds inside the transaction whose keys they belong to; both must land as one.
        await Promise.all([state.keys.set(changesOfStep(step)), saveCreds()])
        this.#acknowledge(step)
      } catch (error) {
        this.failures.push(error)
        for (const { reject } of this.#watchers.splice(0)) reject(error)
      }
      await sleep(pauseMs)
    }
  }

  #acknowledge(step: number): void {
    this.acknowledged = Math.max(this.acknowledged, step)
    for (const watcher of this.#watchers) if (step > watcher.after) watcher.resolve()
    this.#watchers = this.#watchers.filter(({ after }) => step <= after)
  }
}

/** The step that a record's text says; 0 where there is none. */
function stepIn(text: string | undefined): number {
  const value = text === undefined ? 0 : decode(text)
  if (typeof value === 'object' && value !== null && 'nextPreKeyId' in value)
    return Number(value.nextPreKeyId)
  // Steps write numbers as texts, or as bytes with dots behind them.
  return Number(String(value).replaceAll('.', ''))
}
