import { useAuthState } from '../../src/auth-state.ts'
import type { AuthKeyStore, SignalDataSet } from '../../src/auth-types.ts'
import { encode } from '../../src/buffer-json.ts'
import { recordName, scopeOf } from '../../src/names.ts'
import type { Store } from '../../src/store.ts'
import type { Backend, DurableBackend } from '../backends.ts'
import { type CodecRecords, codecRecords } from '../codec-records.ts'
import { atMost, type Goal, type Group, type GroupContext } from '../group.ts'
import { ownStores } from '../own-stores.ts'
import { type Ground, type Place, withPlace } from '../places.ts'
import { ours, type Race, type RaceSpec, runRaces, type Schedule } from '../race.ts'
import { Servers } from '../servers.ts'
import { type Driver, drivers, type Row } from './drivers.ts'

const driverName = 'bare driver'
/** They put what they have acknowledged in its place within a second or so. */
const writesBehind: ReadonlySet<Backend> = new Set<Backend>(['files', 'MongoDB'])
const preKeys = 812
const getMany = 100

/** Disks stand still for half a minute after a hundred thousand files. */
const retry = { forMs: 300_000 }

/** What each operation costs, beside the least that the backend's bare driver can do for it. */
export const operations: Group = {
  name: 'operations',
  about: 'get, set and open on each store, against the bare drivers',
  async run(context) {
    const { quick, where } = context
    const records = await codecRecords(8)
    await using servers = new Servers()
    const ground: Ground = { servers, folder: where.folder }
    const sizes = quick ? [1_000, 10_000] : [1_000, 10_000, 100_000]
    const backends = where.backends.filter(isDurable)
    const races: Race[] = []
    for (const [at, backend] of backends.entries()) {
      const share = { ...context, progress: partOf(context, at, backends.length) }
      races.push(...(await racesOf(ground, backend, records, sizes, share)))
    }
    return { group: 'operations', races, goals: goalsOf(races) }
  },
}

function isDurable(backend: Backend): backend is DurableBackend {
  return backend !== 'memory'
}

function partOf({ progress }: GroupContext, at: number, of: number): GroupContext['progress'] {
  return (text, done) => progress(text, (at + done) / of)
}

async function racesOf(
  ground: Ground,
  backend: DurableBackend,
  records: CodecRecords,
  sizes: readonly number[],
  { quick, progress }: GroupContext,
): Promise<Race[]> {
  const calls: Schedule = quick ? { rounds: 1, timeMs: 60 } : { rounds: 5, timeMs: 150 }
  // However long an opening takes, each contender has three a round.
  const openings: Schedule = { rounds: quick ? 1 : 2, timeMs: 200 }
  const races: Race[] = []
  for (const [at, size] of sizes.entries()) {
    const found = await withPlace(ground, backend, async place => {
      progress(`${backend}, writing ${size} records`, at / sizes.length)
      await using stage = await Stage.make(backend, place, rowsOf(records, size))
      const specs = at === 0 ? await stage.calls(records) : []
      return [
        ...(await runRaces(specs, calls, (text, done) => progress(text, done / sizes.length))),
        ...(await runRaces([stage.opening()], openings, text => progress(text, at / sizes.length))),
      ]
    })
    races.push(...found)
  }
  return races
}

/** Ours and the driver, with the same rows on each. */
class Stage implements AsyncDisposable {
  readonly #backend: DurableBackend
  readonly #rows: readonly Row[]
  readonly #store: Store
  readonly #end: () => Promise<void>
  readonly #driver: Driver
  readonly #closing: (() => Promise<void>)[] = []

  private constructor(
    backend: DurableBackend,
    rows: readonly Row[],
    { store, end }: { store: Store; end: () => Promise<void> },
    driver: Driver,
  ) {
    this.#backend = backend
    this.#rows = rows
    this.#store = store
    this.#end = end
    this.#driver = driver
  }

  static async make(backend: DurableBackend, place: Place, rows: readonly Row[]): Promise<Stage> {
    const driver = await drivers[backend](place)
    const stage = new Stage(backend, rows, ownStores[backend](place), driver)
    await stage.#store.open()
    await stage.#fill('whole')
    for (const part of parts(rows)) await (driver.fill ? driver.fill(part) : driver.setMany(part))
    return stage
  }

  /** Each call on a session that is open, and each read on one without a cache. */
  async calls(records: CodecRecords): Promise<RaceSpec[]> {
    await this.#fill('uncached')
    const warm = await this.#open('whole', {})
    const cold = await this.#open('uncached', { cache: { maxBytes: 0 } })
    const names = this.#rows.filter(({ name }) => name.startsWith('session/')).map(({ name }) => name)
    const ids = names.map(name => name.slice('session/'.length))
    const some = ids.slice(0, getMany)
    const one = turning(ids)
    const oneName = turning(names)
    const oneSession = turning(records.session)
    const oneText = turning(records.session.map(value => encode(value)))
    // Two in turns: SQLite and InnoDB write nothing where nothing changes.
    const bulks = [0, 1].map(shift => ({
      'pre-key': Object.fromEntries(numbers(preKeys).map(id => [id, nth(records['pre-key'], id + shift)])),
    }))
    const bulkRows = bulks.map(bulk =>
      Object.entries(bulk['pre-key']).map(([id, value]) => ({
        name: recordName('pre-key', id),
        value: encode(value),
      })),
    )
    const [nextBulk, nextRows] = [turning(bulks), turning(bulkRows)]
    const driver = this.#driver
    return [
      this.#spec(
        'set of 1',
        () => warm.set({ session: { [one()]: oneSession() } } as SignalDataSet),
        () => driver.setOne({ name: oneName(), value: oneText() }),
      ),
      this.#spec(
        `set of ${preKeys}`,
        () => warm.set(nextBulk() as SignalDataSet),
        () => driver.setMany(nextRows()),
      ),
      this.#spec(
        'get of 1, not cached',
        () => cold.get('session', [one()]),
        () => driver.getOne(oneName()),
      ),
      this.#spec(
        `get of ${getMany}, not cached`,
        () => cold.get('session', some),
        () => driver.getMany(names.slice(0, getMany)),
      ),
      this.#spec(
        'get of 1 that is absent, not cached',
        () => cold.get('session', ['none']),
        () => driver.getOne(recordName('session', 'none')),
      ),
    ]
  }

  /** Opening the whole session, as against reading the same rows. */
  opening(): RaceSpec {
    const own = async () => {
      const startedAt = performance.now()
      const auth = await useAuthState(this.#store, { session: 'whole', logger: false, retry })
      const tookMs = performance.now() - startedAt
      await auth.close()
      return tookMs
    }
    const driver = async () => {
      await this.#driver.readAll()
      return undefined
    }
    const size = this.#rows.length
    return {
      name: `${this.#backend}: open a session of ${size.toLocaleString('en')} records`,
      details: { records: size },
      operations: 1,
      isAsync: true,
      contenders: { [ours]: own, [driverName]: driver },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closing) await close()
    await this.#driver.end()
    await this.#end()
  }

  async #fill(session: string): Promise<void> {
    const auth = await useAuthState(this.#store, { session, logger: false, retry })
    await auth.saveCreds()
    await auth.close()
    for (const part of parts(this.#rows)) await this.#store.write(scopeOf(session), part)
  }

  async #open(session: string, options: object): Promise<AuthKeyStore> {
    const auth = await useAuthState(this.#store, { session, logger: false, retry, ...options })
    this.#closing.push(() => auth.close())
    return auth.state.keys
  }

  #spec(what: string, own: () => Promise<unknown>, driver: () => unknown): RaceSpec {
    const waited = (run: () => unknown) => async () => {
      await run()
      return undefined
    }
    return {
      name: `${this.#backend}: ${what}`,
      details: {},
      operations: 1,
      isAsync: true,
      contenders: { [ours]: waited(own), [driverName]: waited(driver) },
      ...(what.startsWith('set') && writesBehind.has(this.#backend) ? { restMs: 1_500 } : {}),
    }
  }
}

/** A session as a bot has it after a while: the first pre-keys, and of each user a session and what goes with it. */
function rowsOf(records: CodecRecords, size: number): Row[] {
  const textsOf = (values: readonly unknown[]) => values.map(value => encode(value))
  const texts = { session: textsOf(records.session), 'pre-key': textsOf(records['pre-key']) }
  const rows = numbers(Math.min(preKeys, size / 2)).map(id => ({
    name: recordName('pre-key', `${id}`),
    value: nth(texts['pre-key'], id),
  }))
  for (let user = 551_100_000; rows.length < size; user++) {
    rows.push(
      { name: recordName('session', `${user}.0`), value: nth(texts.session, user) },
      { name: recordName('lid-mapping', `${user}`), value: `"${user * 7}"` },
      { name: recordName('lid-mapping', `${user * 7}_reverse`), value: `"${user}"` },
      { name: recordName('device-list', `${user}`), value: '["0"]' },
    )
  }
  return rows.slice(0, size)
}

/** What any store takes in one batch. */
function* parts(rows: readonly Row[]): Generator<readonly Row[]> {
  for (let from = 0; from < rows.length; from += 1_000) yield rows.slice(from, from + 1_000)
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at + 1)
}

function nth<T>(items: readonly T[], at: number): T {
  const item = items[at % items.length]
  if (item === undefined) throw new Error('There are no items.')
  return item
}

/** One after another, and again from the first. */
function turning<T>(items: readonly T[]): () => T {
  let at = 0
  return () => nth(items, at++)
}

function goalsOf(races: readonly Race[]): Goal[] {
  const goal = (name: string, most: number) => {
    const ratio = races.find(race => race.name === name)?.ratios[driverName]
    return atMost(`${name}, against the bare driver`, ratio && 1 / ratio, most)
  }
  return races.flatMap(({ name }) => {
    if (/: set of/.test(name)) return [goal(name, 1.3)]
    return name.endsWith('open a session of 10,000 records') ? [goal(name, 1.5)] : []
  })
}
