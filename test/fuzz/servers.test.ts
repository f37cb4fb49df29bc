import fc from 'fast-check'
import { serverBackend } from '../stores/server-backend.ts'
import type { Backend } from '../suite/index.ts'
import { anyAuthGame, playOnAuthState } from './auth-play.ts'
import { patienceMs, runs } from './runs.ts'
import { anyStoreGame, playOnStore } from './store-play.ts'

const servers = ['postgres', 'mysql', 'redis', 'redis-cluster', 'mongodb'] as const
// One after the other: jest can't load one client twice at once.
const backends: Backend[] = []
for (const server of servers) backends.push(await serverBackend(server))

test.each(backends.map(backend => [backend.name, backend] as const))(
  '%s holds what a Map would, whatever is written, read, listed and removed, under any name',
  async (_, backend) => {
    const property = fc.asyncProperty(anyStoreGame, game => playOnStore(backend, game))
    await fc.assert(property, { numRuns: runs(20) })
  },
  patienceMs,
)

test.each(backends.map(backend => [backend.name, backend] as const))(
  'an auth state on %s holds what a Map would, through restarts and removals, under any name',
  async (_, backend) => {
    const property = fc.asyncProperty(anyAuthGame, game => playOnAuthState(backend, game))
    await fc.assert(property, { numRuns: runs(8) })
  },
  patienceMs,
)
