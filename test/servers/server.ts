/** The servers that the tests need. */
export type ServerName = 'postgres' | 'mysql' | 'redis' | 'redis-cluster' | 'mongodb' | 'pgbouncer'

/** A server of the tests' own: a process on a free port of the loopback interface, with its data in a temporary folder. */
export interface Server extends AsyncDisposable {
  /** How clients reach it. */
  readonly url: string
  /** Ends it with SIGKILL; resolves when it is gone. Its data stays. */
  kill(): Promise<void>
  /** Starts it again after {@link kill}, on the same port and data; resolves when it answers. */
  restart(): Promise<void>
  /** Ends it and deletes its data; resolves when both are done. */
  stop(): Promise<void>
}

/** How one kind of server is found, started and told apart. */
export interface ServerKind {
  readonly name: ServerName
  /** What people call it. */
  readonly title: string
  /** The environment variable with the URL of one that runs already. */
  readonly variable: string
  /** The packages of Debian and Ubuntu that it needs. */
  readonly packages: readonly string[]
  /** The name of its service in `compose.yaml`. */
  readonly service: string
  /** The URL of that container, by the ports of the loopback interface that it was given. */
  containerUrl(ports: readonly number[]): string
  /** Its program, or `undefined` where there is none on this machine. */
  find(): Promise<string | undefined>
  /** Makes what {@link find} finds out of what its packages bring, where that is not the same. */
  prepare?(): Promise<void>
  /** Starts one of its own with that program, durable as its users should have it. */
  start(program: string): Promise<Server>
  /** What answers at a URL, with its version: `PostgreSQL 15.18`. Rejects where nothing does. */
  describe(url: string): Promise<string>
}
