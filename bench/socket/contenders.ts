import type { Backend } from '../backends.ts'

/** An auth state that a bot of the benchmark runs on. */
export interface Contender {
  readonly name: string
  readonly backend: Backend
  /**
   * The reference is a plain Map; a bound is that Map and one raw durable write for each `set`; `ours` and peers are
   * auth states that bots use.
   */
  readonly role: 'reference' | 'bound' | 'ours' | 'peer'
  /** Survives a kill, but not a power cut. */
  readonly isRelaxed?: boolean
  /** The module that opens it, beside this file, and its export. */
  readonly opener: readonly [module: string, name: string]
}

/** What all others are compared with: no durability at all. */
export const reference: Contender = {
  name: 'Map',
  backend: 'memory',
  role: 'reference',
  opener: ['bounds', 'openMap'],
}

/** All of them. */
export const contenders: readonly Contender[] = [
  reference,
  ...pair('files', 'Files'),
  ...pair('files', 'RelaxedFiles', true),
  ...pair('SQLite', 'Sqlite'),
  ...pair('SQLite', 'RelaxedSqlite', true),
  ...pair('Redis', 'Redis'),
  ...pair('PostgreSQL', 'Postgres'),
  ...pair('MySQL', 'MySQL'),
  ...pair('MongoDB', 'MongoDB'),
  // They leave it to the system when what they wrote reaches the disk.
  { ...peer("Baileys' useMultiFileAuthState", 'files', 'openBaileysFiles'), isRelaxed: true },
  {
    ...peer("Baileys' useMultiFileAuthState, its cache", 'files', 'openCachedBaileysFiles'),
    isRelaxed: true,
  },
  peer('redis-baileys', 'Redis', 'openRedisBaileys'),
  peer('@rodrigogs/baileys-store', 'Redis', 'openRodrigogs'),
  peer('@luoarch/baileys-store-core', 'Redis', 'openLuoarchRedis'),
  peer('mysql-baileys', 'MySQL', 'openMySQLBaileys'),
  peer('mongo-baileys', 'MongoDB', 'openMongoBaileys'),
  peer('@luoarch/baileys-store-core', 'MongoDB', 'openLuoarchMongo'),
  peer("the guides' useMongoAuthState", 'MongoDB', 'openGuidesMongo'),
]

/** A contender's name with its backend, as no other has it. */
export function fullName({ name, backend, isRelaxed, role }: Contender): string {
  if (role === 'reference') return name
  return `${name} on ${backend}${isRelaxed ? ', relaxed' : ''}`
}

/** Whether a contender may be compared with another one: on the same backend, at the same durability. */
export function isComparable(one: Contender, other: Contender): boolean {
  return one.backend === other.backend && one.isRelaxed === other.isRelaxed
}

function pair(backend: Backend, name: string, isRelaxed?: true): Contender[] {
  const common = { backend, ...(isRelaxed ? { isRelaxed } : {}) }
  return [
    { ...common, name: 'bound', role: 'bound', opener: ['bounds', `open${name}Bound`] },
    { ...common, name: 'ours', role: 'ours', opener: ['ours', `open${name}`] },
  ]
}

function peer(name: string, backend: Backend, opener: string): Contender {
  return { name, backend, role: 'peer', opener: ['peers', opener] }
}
