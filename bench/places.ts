import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Backend, serverOf } from './backends.ts'
import { erase, type Servers } from './servers.ts'

/** Where an auth state keeps its sessions: a place of its own. */
export interface Place {
  /** A folder that is there, and empty. */
  readonly folder: string
  /** The backend's server, where it has one. */
  readonly serverUrl: string
  /** The session's name, or that of its table, collection or prefix: letters, digits and `_`. */
  readonly session: string
}

/** Where places are made. */
export interface Ground {
  readonly servers: Servers
  /** Folders lie in there. */
  readonly folder: string
}

let lastPlace = 0

/** Runs something in a place that nothing was in before, and leaves nothing behind. */
export async function withPlace<T>(
  { servers, folder: parent }: Ground,
  backend: Backend,
  run: (place: Place) => Promise<T>,
): Promise<T> {
  const server = serverOf[backend]
  lastPlace += 1
  const session = `bench_${process.pid}_${lastPlace}`
  const serverUrl = server ? (await servers.get(server)).url : ''
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, 'authkit-bench-'))
  try {
    return await run({ folder, serverUrl, session })
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    if (server) await erase(server, serverUrl, session).catch(() => {})
  }
}

/** The same with a place on each of several backends. */
export function withPlaces<T>(
  ground: Ground,
  backends: readonly Backend[],
  run: (places: readonly Place[]) => Promise<T>,
): Promise<T> {
  const [backend, ...others] = backends
  if (backend === undefined) return run([])
  return withPlace(ground, backend, place => withPlaces(ground, others, places => run([place, ...places])))
}
