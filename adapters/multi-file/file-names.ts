import { createHash } from 'node:crypto'
import { credsName, isShortened, parseRecordName, recordName, scopeOf, sessionOf } from '../../src/names.ts'

/**
 * Baileys names a record's file `<type>-<id>.json`, with `__` for `/` and `-` for `:`, which many records may share.
 * So a file name is read in one way only: the longest type that Baileys knows, then the id as it stands, but for
 * the two types whose real ids hold those characters: `--` is `::` in a `sender-key`, and `__` is `/` in an
 * `app-state-sync-key`. A record has Baileys' file exactly when reading that file's name gives the record again;
 * every other one is kept under a name of ours, where no reader of Baileys' finds it.
 */
const knownTypes = [
  'app-state-sync-version',
  'app-state-sync-key',
  'sender-key-memory',
  'identity-key',
  'lid-mapping',
  'device-list',
  'sender-key',
  'pre-key',
  'session',
  'tctoken',
] as const

const credsFile = 'creds.json'
const longestName = 255

/** The name of the file in which Baileys keeps a record; `undefined` where another record could be meant by it. */
export function baileysFileName(record: string): string | undefined {
  if (record === credsName) return credsFile
  const key = parseRecordName(record)
  if (!key) return undefined
  const file = `${key.type}-${key.id.replaceAll('/', '__').replaceAll(':', '-')}.json`
  if (Buffer.byteLength(file) > longestName || /[\0\\]/.test(file) || !isWellFormed(file)) return undefined
  return recordOfFile(file) === record ? file : undefined
}

/** The record that Baileys keeps in a file of this name; `undefined` for a foreign file. */
export function recordOfFile(file: string): string | undefined {
  if (file === credsFile) return credsName
  const type = knownTypes.find(known => file.startsWith(`${known}-`))
  if (type === undefined || !file.endsWith('.json')) return undefined
  const rest = file.slice(type.length + 1, -'.json'.length)
  if (file.length < type.length + 1 + '.json'.length) return undefined
  const id =
    type === 'sender-key'
      ? rest.replaceAll('--', '::')
      : type === 'app-state-sync-key'
        ? rest.replaceAll('__', '/')
        : rest
  const record = recordName(type, id)
  if (isShortened(record)) return undefined
  const back = `${type}-${id.replaceAll('/', '__').replaceAll(':', '-')}.json`
  return back === file ? record : undefined
}

/** The name of the file in which we keep a record that has no file name of Baileys' to itself. */
export function keptFileName(record: string): string {
  return createHash('sha256').update(record).digest('hex')
}

/** What file systems that ignore case, or compose characters, make of a name. */
export function folded(file: string): string {
  return file.normalize('NFC').toLowerCase()
}

/** True where a name means the same file on every file system. */
export function isPlain(file: string): boolean {
  return isPortable(file) && !/[A-Z]/.test(file)
}

/** True where every file system can hold the name as it is written. */
export function isPortable(file: string): boolean {
  // `~` stands in the short names that Windows gives to files; the others it refuses.
  return /^[\x20-\x7e]+$/.test(file) && !/[<>:"/\\|?*~]/.test(file)
}

/** The session's own name, where a folder may bear it. */
export function sessionFolderName(scope: string): string | undefined {
  const session = sessionOf(scope)
  if (session === undefined || scopeOf(session) !== scope || !isWellFormed(session)) return undefined
  if (/^[.#]|[/\\\0]|[. ]$/.test(session) || Buffer.byteLength(session) > longestName) return undefined
  return /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i.test(session) ? undefined : session
}

/** The scope that a folder of this name is the session of. */
export function scopeOfFolder(folder: string): string | undefined {
  if (folder === '') return undefined
  const scope = scopeOf(folder)
  return sessionFolderName(scope) === folder ? scope : undefined
}

/** The name of a folder of ours for a scope, which no session bears as its own; the folder holds the scope. */
export function hashedFolderName(scope: string): string {
  const hint = scope
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
  return `#${hint}-${createHash('sha256').update(scope).digest('hex').slice(0, 32)}`
}

/** Lone surrogates all become the same character in a file's name. */
function isWellFormed(text: string): boolean {
  return Buffer.from(text).toString() === text
}
