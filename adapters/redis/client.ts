/** What this store calls of ioredis: of `Redis`, also with sentinels, and of `Cluster`. */
export interface IoredisClient {
  readonly status: string
  readonly isCluster?: boolean
  call(command: string, args: (string | number)[]): Promise<unknown>
  duplicate(): unknown
  on(event: 'close' | '-node', listener: () => void): unknown
}

/** What this store calls of node-redis: of clients and pools, and of clusters. */
export interface NodeRedisClient {
  readonly isOpen: boolean
  evalSha(sha: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  eval(lua: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  configGet(parameter: string): Promise<unknown>
  /** What a sentinel's client lends has none: the store refuses it, as it does such a client. */
  connect(): Promise<unknown>
  /** Only a sentinel's client has it. */
  readonly getSentinelNode?: never
}

/** A client of ioredis (`Redis`, `Cluster`) or of node-redis (`createClient`, `createCluster`). */
export type RedisClient = IoredisClient | NodeRedisClient

/** One connection, or as many as a cluster has, however its client is made. */
export interface Driver {
  readonly isCluster: boolean
  /** What the client puts before each key by itself. */
  readonly keyPrefix: string
  /** Whether the client has been ended, or has not been connected yet where it does not do so by itself. */
  readonly isClosed: boolean
  /** Runs a script that the server has seen, on the master that has its keys. */
  evalSha(sha: string, keys: readonly string[], args: readonly string[]): Promise<unknown>
  /** Runs a script by its text. */
  eval(lua: string, keys: readonly string[], args: readonly string[]): Promise<unknown>
  /** A server's settings by pattern, as flat pairs, a map or an object. */
  configGet(pattern: string): Promise<unknown>
  /** A connection of our own, like the client's; it is not made yet. */
  duplicate(): OwnConnection
}

/** A connection that the store has made for itself. */
export interface OwnConnection extends Driver {
  /** Counts how often the connection was lost. */
  readonly losses: number
  /** Resolves when commands can be given to it; rejects where that takes too long. */
  ready(withinMs: number): Promise<void>
  /** How many replicas have all that this connection has written, when so many have it or the time is over. */
  wait(replicas: number, timeoutMs: number): Promise<number>
  /** Ends it at once, made or not. */
  end(): void
}

/** The text of an answer, whatever the client's settings make of texts. */
export function textOf(answer: unknown): string {
  if (answer instanceof Uint8Array) {
    return Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength).toString()
  }
  return String(answer)
}

/** The items of an answer. */
export function itemsOf(answer: unknown): readonly unknown[] {
  return Array.isArray(answer) ? answer : []
}
