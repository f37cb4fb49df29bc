import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readFile, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** How a server's process is started, and when it is ready. */
export interface ServerCommand {
  readonly program: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** Who it runs as. @default who runs the tests */
  readonly uid?: number
  readonly gid?: number
  /** Where its output goes. */
  readonly log: string
  /** Resolves when it answers; rejects while it does not. */
  ready(): Promise<unknown>
}

const longestStartMs = 60_000
const probeEveryMs = 50

/** Ends with the shell's parent: a test run that is killed leaves no server behind. Its first line is the server's pid. */
const minder = `
exec 3<&0
"$@" </dev/null 3<&- >>"$AUTHKIT_LOG" 2>&1 &
server=$!
echo $server
( cat <&3 >/dev/null; kill -KILL $server 2>/dev/null ) >/dev/null &
watcher=$!
{ wait $server; } 2>/dev/null
kill $watcher 2>/dev/null
`

/** A server's process, which ends with the process that started it. */
export class ServerProcess {
  readonly #command: ServerCommand
  #shell: ChildProcess | undefined
  #pid = 0
  #ended: Promise<unknown> = Promise.resolve()

  private constructor(command: ServerCommand) {
    this.#command = command
  }

  /** Starts it; resolves when it is ready. @throws Error with the end of its log when it ends before, or takes too long */
  static async start(command: ServerCommand): Promise<ServerProcess> {
    const started = new ServerProcess(command)
    await started.restart()
    return started
  }

  /** The server's own process id. */
  get pid(): number {
    return this.#pid
  }

  /** Starts it again; resolves when it is ready. */
  async restart(): Promise<void> {
    const { program, args, env, uid, gid, log } = this.#command
    const shell = spawn('sh', ['-c', minder, 'sh', program, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...env, AUTHKIT_LOG: log },
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
    })
    this.#shell = shell
    let hasEnded = false
    this.#ended = once(shell, 'exit').then(() => {
      hasEnded = true
    })
    const [line] = await once(shell.stdout, 'data')
    this.#pid = Number(String(line))
    // Neither the shell nor its pipes keep the tests' process alive.
    shell.unref()
    for (const pipe of [shell.stdin, shell.stdout]) if (pipe && 'unref' in pipe) Object(pipe).unref()
    const until = performance.now() + longestStartMs
    for (;;) {
      const problem = await this.#command.ready().then(
        () => undefined,
        error => error,
      )
      if (problem === undefined) return
      if (hasEnded || performance.now() > until) {
        const about = hasEnded ? 'ended at once' : 'did not answer within a minute'
        throw new Error(`${program} ${about}. The end of its log:\n${await endOf(log)}`, { cause: problem })
      }
      await sleep(probeEveryMs)
    }
  }

  /** Ends it with a signal; resolves when it is gone. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (!this.#shell) return
    try {
      process.kill(this.#pid, signal)
    } catch (error) {
      if (Object(error).code !== 'ESRCH') throw error
    }
    this.#shell.ref()
    await this.#ended
    this.#shell = undefined
  }
}

/** A file system in memory, on Linux. */
const memory = '/dev/shm'
const roomBytes = 6 * 1024 ** 3

/** A new folder for a server's data, and its removal. */
export async function dataFolder(name: string): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(await roomyFolder(), `authkit-${name}-`))
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) }
}

/** What a killed server had written is there in either; no test cuts the power, and in memory nobody waits for a disk. */
async function roomyFolder(): Promise<string> {
  const free = await statfs(memory).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => 0,
  )
  return free > roomBytes ? memory : tmpdir()
}

async function endOf(log: string): Promise<string> {
  const file = await open(log, 'a')
  await file.close()
  return (await readFile(log, 'utf8')).split('\n').slice(-20).join('\n')
}
