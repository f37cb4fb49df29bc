import { useAuthState } from '../../src/auth-state.ts'
import { fenceName, sessionOf } from '../../src/names.ts'
import { Child } from '../child/child.ts'
import { atMost, type Goal, type Group, type GroupContext } from '../group.ts'
import { type OwnStore, ownStores } from '../own-stores.ts'
import { type Ground, withPlace } from '../places.ts'
import { type Race, type RaceSpec, runRaces, type Schedule } from '../race.ts'
import { Servers } from '../servers.ts'
import { fill, recordNamed, recordsEach, type ScaleBackend, scaleBackends, scopeNamed } from './databases.ts'
import type { SessionsCommands, SessionsCost } from './sessions-process.ts'

/** How many sessions are in use, however many there are. */
const inUse = 10
/** Never the same: SQLite writes nothing where nothing changes. */
function textAt(turn: number): string {
  return JSON.stringify(String(turn).padStart(98, 'y'))
}

/** What a session costs among many others, and what one costs that nobody uses. */
export const scale: Group = {
  name: 'scale',
  about: 'a session among ten, a thousand and ten thousand others, and what an idle one costs',
  async run(context) {
    const { quick, where } = context
    await using servers = new Servers()
    const ground: Ground = { servers, folder: where.folder }
    const sizes = quick ? [10, 1_000] : [10, 1_000, 10_000]
    const backends = scaleBackends.filter(backend => where.backends.includes(backend))
    const races: Race[] = []
    const idle: { [backend: string]: SessionsCost } = {}
    for (const [at, backend] of backends.entries()) {
      const progress: GroupContext['progress'] = (text, done) =>
        context.progress(`${backend}: ${text}`, (at + done) / backends.length)
      races.push(...(await racesAmong(ground, backend, sizes, { ...context, progress })))
      progress('a thousand open sessions', 0.9)
      idle[backend] = await idleCost(ground, backend, quick ? 200 : 1_000)
    }
    return {
      group: 'scale',
      races,
      goals: [...races.flatMap(race => goalsOf(race, sizes)), ...idleGoals(idle)],
      details: { idle },
      tables: [
        {
          title: 'open sessions that nobody uses',
          columns: ['', 'kB each, without a cache', 'calls of the store a heartbeat, all together'],
          rows: Object.entries(idle).map(([backend, cost]) => [
            backend,
            (cost.bytesEach / 1_000).toFixed(1),
            cost.callsAPeriod.toFixed(2),
          ]),
        },
      ],
    }
  },
}

/** The same operations in databases of each size, in turns, compared with those in the smallest. */
async function racesAmong(
  ground: Ground,
  backend: ScaleBackend,
  sizes: readonly number[],
  { quick, progress }: GroupContext,
): Promise<Race[]> {
  const schedule: Schedule = quick ? { rounds: 3, timeMs: 50 } : { rounds: 9, timeMs: 150 }
  const [size, ...others] = sizes
  const databases: [size: number, store: OwnStore][] = []
  const make = async (first: number, rest: readonly number[]): Promise<Race[]> =>
    withPlace(ground, backend, async place => {
      progress(`writing ${first} sessions of ${recordsEach} records`, databases.length / (sizes.length + 1))
      const own = ownStores[backend](place)
      databases.push([first, own])
      try {
        await own.store.open()
        await fill[backend](place, first)
        for (const scope of scopesInUse(first)) await prepareScope(own, scope)
        const [next, ...later] = rest
        if (next !== undefined) return await make(next, later)
        return await runRaces(specsOf(backend, databases), schedule, (text, done) =>
          progress(text, (sizes.length + done) / (sizes.length + 1)),
        )
      } finally {
        await own.end()
      }
    })
  return make(size ?? inUse, others)
}

/** Spread over all of them. */
function scopesInUse(size: number): string[] {
  return Array.from({ length: inUse }, (_, at) => scopeNamed(Math.floor((at * size) / inUse)))
}

/** A fence, as its owner has it, and beside it a session that is opened and closed. */
async function prepareScope({ store }: OwnStore, scope: string): Promise<void> {
  const session = sessionOf(scope) ?? scope
  const auth = await useAuthState(store, { session: `${session}-opened`, logger: false })
  await auth.saveCreds()
  await auth.state.keys.set({
    'lid-mapping': Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`${at}`, 'x'])),
  })
  await auth.close()
  await store.write(scope, [{ name: fenceName, value: 'fence' }])
}

function specsOf(
  backend: ScaleBackend,
  databases: readonly (readonly [size: number, own: OwnStore])[],
): RaceSpec[] {
  const hundred = Array.from({ length: 100 }, (_, at) => recordNamed(7 * at))
  const guard = [{ name: fenceName, value: 'fence' }]
  const spec = (
    name: string,
    run: (own: OwnStore, scope: string, turn: number) => Promise<unknown>,
  ): RaceSpec => ({
    name: `${backend}: ${name}`,
    details: {},
    operations: 1,
    isAsync: true,
    base: contenderName(databases[0]?.[0] ?? inUse),
    contenders: Object.fromEntries(
      databases.map(([size, own]) => {
        const scopes = scopesInUse(size)
        let turn = 0
        const contender = async () => {
          turn += 1
          await run(own, scopes[turn % scopes.length] ?? '', turn)
          return undefined
        }
        return [contenderName(size), contender]
      }),
    ),
  })
  return [
    spec('read 1', ({ store }, scope, turn) => store.read(scope, [recordNamed((31 * turn) % recordsEach)])),
    spec('read 100', ({ store }, scope) => store.read(scope, hundred)),
    spec('read 1 that is absent', ({ store }, scope) => store.read(scope, ['session/none'])),
    spec('write 1', ({ store }, scope, turn) =>
      store.write(scope, [{ name: recordNamed((31 * turn) % recordsEach), value: textAt(turn) }], guard),
    ),
    spec('write 100', ({ store }, scope, turn) =>
      store.write(
        scope,
        hundred.map(name => ({ name, value: textAt(turn) })),
        guard,
      ),
    ),
    spec('open and close', async ({ store }, scope) => {
      const auth = await useAuthState(store, { session: `${sessionOf(scope)}-opened`, logger: false })
      await auth.close()
    }),
  ]
}

function contenderName(size: number): string {
  return `among ${size.toLocaleString('en')}`
}

function goalsOf({ name, ratios }: Race, sizes: readonly number[]): Goal[] {
  const largest = contenderName(sizes.at(-1) ?? inUse)
  return [atMost(`${name}, ${largest} against ${sizes[0]}`, ratios[largest], 1.2)]
}

async function idleCost(ground: Ground, backend: ScaleBackend, sessions: number): Promise<SessionsCost> {
  return withPlace(ground, backend, async place => {
    await using child = Child.start<SessionsCommands>('bench/scale/sessions-process.ts', { backend, place }, [
      '--expose-gc',
    ])
    return await child.ask('open', sessions)
  })
}

function idleGoals(idle: { readonly [backend: string]: SessionsCost }): Goal[] {
  return Object.entries(idle).flatMap(([backend, { bytesEach, callsAPeriod }]) => [
    atMost(`${backend}, an idle open session beside its cache`, bytesEach / 1_000, 100, 'kB'),
    // One may come a little early, and what they look at when a beat is late counts too.
    atMost(`${backend}, calls of the store a period, of all sessions`, callsAPeriod, 1.25, ''),
  ])
}
