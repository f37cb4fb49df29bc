import type { SqliteDatabase } from './driver.ts'
import { nameOf, trouble } from './trouble.ts'

/** What a resolved write has to survive: a power cut, or this process's end. */
export type SqliteDurability = 'full' | 'relaxed'

/** Where a file lies, as far as it matters to SQLite. */
export interface Surroundings {
  /** `type` of `statfs`. */
  readonly fileSystem: number
  readonly path: string
  readonly platform: NodeJS.Platform
}

/**
 * The journal mode for a file: WAL on this machine's own disks. Where other machines, or a host, may have the same
 * file, WAL must not even be tried: it says `wal` and corrupts, since its index is memory that they do not share.
 */
export function journalModeFor({ fileSystem, path, platform }: Surroundings): 'wal' | 'delete' {
  if (platform === 'win32') return /^[\\/]{2}(?![?.][\\/])/.test(path) ? 'delete' : 'wal'
  // The numbers are Linux' own; elsewhere SQLite itself has to know.
  if (platform !== 'linux' && platform !== 'android') return 'wal'
  return sharedFileSystems.has(fileSystem >>> 0) ? 'delete' : 'wal'
}

/** From statfs(2), linux/magic.h and the list of what `stat -f` of GNU coreutils calls remote. */
const sharedFileSystems: ReadonlySet<number> = new Set([
  0x6969, // NFS
  0x517b, // SMB
  0xff534d42, // CIFS
  0xfe534d42, // SMB2 and later
  0x01021997, // 9p: WSL's drives of Windows, virtual machines, gVisor
  0x65735546, // FUSE: virtiofs, sshfs, Docker Desktop's shares, s3fs, GlusterFS
  0x00c36400, // Ceph
  0x5346414f, // AFS
  0x6b414653, // AFS of the kernel
  0x73757245, // Coda
  0x564c, // Novell
  0x0bd00bd0, // Lustre
  0x47504653, // GPFS
  0x01161970, // GFS2
  0x7461636f, // OCFS2
  0x19830326, // BeeGFS
  0xaad7aaea, // PanFS
  0x20030528, // OrangeFS
  0x61636673, // ACFS
  0xbeefdead, // SNFS
  0x786f4256, // VirtualBox' shared folders
  0xbacbacbc, // VMware's
  0x7c7c6673, // Parallels'
])

/** How long SQLite may block the process for another's lock; longer waits are ours, and block nothing. */
const blocksForMs = 10

/** The longest that a caller's own connection may block this process. */
const callerBlocksForMs = 100

/**
 * Of a file that is new. In a table without rowids a value of over a quarter of its page goes to an overflow page of its
 * own, and with SQLite's usual 4,096 bytes that would be every Signal session: three times the disk, and two pages for
 * each to read and to write.
 */
const pageSize = 16_384

/** Sets up a connection of our own; the wanted journal mode is read back, and is DELETE where WAL can't be. */
export function setUpOwn(
  database: SqliteDatabase,
  durability: SqliteDurability,
  wanted: 'wal' | 'delete',
): void {
  database.exec(`pragma busy_timeout = ${blocksForMs}`)
  database.exec(`pragma page_size = ${pageSize}`)
  const isWal = readPragma(database, `journal_mode = ${wanted}`) === 'wal'
  if (!isWal && wanted === 'wal') readPragma(database, 'journal_mode = delete')
  setSynchronous(database, leastSynchronous(database, durability))
}

/** Sets up a connection of the caller's: it keeps its journal mode, and never gets weaker. */
export function setUpCallers(
  database: SqliteDatabase,
  durability: SqliteDurability,
  path: string | undefined,
): void {
  const mode = readPragma(database, 'journal_mode')
  if (path !== undefined && (mode === 'off' || mode === 'memory')) {
    throw trouble(
      'STORE_UNUSABLE',
      `${nameOf(path)} has journal_mode ${mode}: a crash would destroy it. Set pragma journal_mode = wal on it first.`,
    )
  }
  const current = Number(readPragma(database, 'synchronous'))
  setSynchronous(database, Math.max(current, leastSynchronous(database, durability)))
  if (Number(readPragma(database, 'busy_timeout')) > callerBlocksForMs)
    database.exec(`pragma busy_timeout = ${callerBlocksForMs}`)
}

/**
 * The least `synchronous` that keeps a promise: FULL, or for a relaxed store NORMAL, which in WAL mode costs no more
 * than the last commits. With a rollback journal that is deleted FULL itself may lose the last commit, since only
 * EXTRA makes the deletion safe, and NORMAL may lose everything.
 */
function leastSynchronous(database: SqliteDatabase, durability: SqliteDurability): number {
  const mode = readPragma(database, 'journal_mode')
  const isFull = durability === 'full'
  if (mode === 'wal') return isFull ? 2 : 1
  return isFull && mode === 'delete' ? 3 : 2
}

/** Always, also where it reads so already: what nobody has set falls to NORMAL when WAL begins, as better-sqlite3 is built. */
function setSynchronous(database: SqliteDatabase, level: number): void {
  database.exec(`pragma synchronous = ${level}`)
}

function readPragma(database: SqliteDatabase, pragma: string): unknown {
  // The column is called as the pragma, but for busy_timeout.
  return Object.values(Object(database.prepare(`pragma ${pragma}`).get()))[0]
}
