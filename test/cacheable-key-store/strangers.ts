import { setImmediate as nextTurn } from 'node:timers/promises'

/** Values by type and id, of any kind. */
export type Data = { [type: string]: { [id: string]: unknown } | undefined }

/** A store of Signal keys as anyone may write one: types and values are any, its methods may answer at once. */
export interface StrangersKeys {
  get(type: string, ids: string[]): Answer<{ [id: string]: unknown }>
  set(data: Data): Answer<void>
  clear?(): Answer<void>
}

type Answer<T> = T | Promise<T>

/** A store in memory that does what published ones do: keeps the objects it is given, and leaves absent ids out. */
export interface SharingKeys extends StrangersKeys {
  /** The ids of every `get` so far. */
  readonly gets: string[][]
  /** The data of every `set` so far. */
  readonly sets: Data[]
  /** What is held, by type and id. */
  at(type: string, id: string): unknown
}

/** A synchronous store of strangers. */
export function sharingKeys(): SharingKeys {
  const held = new Map<string, unknown>()
  const gets: string[][] = []
  const sets: Data[] = []
  const place = (type: string, id: string) => JSON.stringify([type, id])
  return {
    gets,
    sets,
    at: (type, id) => held.get(place(type, id)),
    get(type, ids) {
      gets.push(Array.from(ids))
      const known = ids.filter(id => held.has(place(type, id)))
      return Object.fromEntries(known.map(id => [id, held.get(place(type, id))]))
    },
    set(data) {
      sets.push(data)
      for (const [type, values] of Object.entries(data)) {
        for (const [id, value] of Object.entries(values ?? {})) {
          if (value === null) held.delete(place(type, id))
          else held.set(place(type, id), value)
        }
      }
    },
    clear: () => held.clear(),
  }
}

/** A call that has reached a store and waits there. */
export interface HeldCall {
  readonly method: 'get' | 'set' | 'clear'
  /** The ids that a `get` asks for, none otherwise. */
  readonly ids: readonly string[]
  /** Does what was asked for; the caller is not told yet. */
  perform(): void
  /** Performs what is not yet performed, and answers. */
  answer(): void
  /** Answers with an error. */
  fail(error?: Error): void
}

/** A store whose calls wait for the test. */
export interface HeldKeys extends Required<StrangersKeys> {
  /** The calls that wait, in the order in which they came. */
  readonly calls: HeldCall[]
  /** Lets calls through as they come, those that wait first. */
  letGo(): void
}

/** Holds every call, so that a test decides when and in which order each takes effect and is answered. */
export function heldKeys(store: StrangersKeys): HeldKeys {
  const calls: HeldCall[] = []
  let holds = true
  const held = <T>(method: HeldCall['method'], ids: readonly string[], run: () => Answer<T>): Answer<T> => {
    if (!holds) return run()
    return new Promise<T>((resolve, reject) => {
      let performed: { readonly result: Answer<T> } | undefined
      const perform = () => {
        performed ??= { result: run() }
        return performed.result
      }
      const leave = () => calls.splice(calls.indexOf(call), 1)
      const call: HeldCall = {
        method,
        ids,
        perform,
        answer() {
          leave()
          resolve(perform())
        },
        fail(error = new Error('connection lost')) {
          leave()
          reject(error)
        },
      }
      calls.push(call)
    })
  }
  return {
    calls,
    letGo() {
      holds = false
      for (const call of Array.from(calls)) call.answer()
    },
    get: (type, ids) => held('get', Array.from(ids), () => store.get(type, ids)),
    set: data => held('set', [], () => store.set(data)),
    clear: () => held('clear', [], () => store.clear?.()),
  }
}

/** The one call that waits, or the one at a place among them. */
export function callAt(store: HeldKeys, at: number = 0): HeldCall {
  const call = store.calls[at]
  if (call === undefined) throw new Error(`No call waits at place ${at}.`)
  return call
}

/** Resolves when everything has run that needs nothing but turns of the event loop. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await nextTurn()
}

/** Names each promise when it settles, in the order in which they do. */
export function orderOf(promises: { readonly [name: string]: Promise<unknown> }): readonly string[] {
  const order: string[] = []
  for (const [name, promise] of Object.entries(promises)) {
    const settle = (): void => {
      order.push(name)
    }
    promise.then(settle, settle)
  }
  return order
}

/** What was logged, as it was given. */
export interface LoggedLine {
  readonly level: string
  readonly details: unknown
  readonly message: string | undefined
}

/** A logger as Baileys wants one, that keeps what it is given. */
export interface KeepingLogger {
  level: string
  readonly lines: LoggedLine[]
  child(): KeepingLogger
  trace(details: unknown, message?: string): void
  debug(details: unknown, message?: string): void
  info(details: unknown, message?: string): void
  warn(details: unknown, message?: string): void
  error(details: unknown, message?: string): void
}

/** A logger that prints nothing. */
export function keepingLogger(): KeepingLogger {
  const lines: LoggedLine[] = []
  const at = (level: string) => (details: unknown, message?: string) => {
    lines.push({ level, details, message })
  }
  const logger: KeepingLogger = {
    level: 'trace',
    lines,
    child: () => logger,
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  }
  return logger
}
