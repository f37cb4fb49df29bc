import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** One change of a journal entry. `base` is there with the first change of a record in each journal. */
export interface JournalChange {
  readonly name: string
  readonly value: string | undefined
  /** {@link hashOf} the text that this change replaced. */
  readonly base: string | undefined
}

/** The whole entries of a journal, one a batch, and where the last of them ends. */
export interface Journal {
  readonly entries: readonly (readonly JournalChange[])[]
  readonly bytes: number
}

// `#<length> <crc>\n<json>\n`; JSON holds no raw line feed, so `\n#` is found only where an entry begins.
const headPattern = /^#([0-9a-f]{8}) ([0-9a-f]{8})\n$/
const headBytes = 19

/** One batch as the journal keeps it. */
export function encodeEntry(changes: readonly JournalChange[]): Buffer {
  const rows = changes.map(({ name, value, base }) =>
    base === undefined ? [name, value ?? null] : [name, value ?? null, base],
  )
  const payload = Buffer.from(JSON.stringify(rows))
  return Buffer.concat([Buffer.from(`#${hex(payload.length)} ${hex(crc32(payload))}\n`), payload, lineFeed])
}

/**
 * Reads a journal up to its torn tail, or the zeros by which it is longer: what follows the last whole entry was never
 * acknowledged.
 * Gives `undefined` where a whole entry follows a damaged one, which no crash can leave behind.
 */
export function parseJournal(bytes: Buffer): Journal | undefined {
  const entries: JournalChange[][] = []
  let at = 0
  for (let entry = entryAt(bytes, at); entry; entry = entryAt(bytes, at)) {
    entries.push(entry.changes)
    at = entry.end
  }
  for (let next = bytes.indexOf('\n#', at); next >= 0; next = bytes.indexOf('\n#', next + 1)) {
    if (entryAt(bytes, next + 1)) return undefined
  }
  return { entries, bytes: at }
}

/** A short name for a text, and for its absence. */
export function hashOf(text: string | undefined): string {
  return text === undefined ? '-' : createHash('sha256').update(text).digest('base64url').slice(0, 22)
}

const lineFeed = Buffer.from('\n')

function entryAt(bytes: Buffer, at: number): { changes: JournalChange[]; end: number } | undefined {
  const head = headPattern.exec(bytes.toString('latin1', at, at + headBytes))
  if (!head) return undefined
  const start = at + headBytes
  const end = start + Number.parseInt(head[1] ?? '', 16)
  if (bytes.length <= end || bytes[end] !== 0x0a) return undefined
  const payload = bytes.subarray(start, end)
  if (hex(crc32(payload)) !== head[2]) return undefined
  // The checksum says that these are the rows that encodeEntry wrote.
  const rows = JSON.parse(payload.toString()) as [string, string | null, string?][]
  return {
    changes: rows.map(([name, value, base]) => ({ name, value: value ?? undefined, base })),
    end: end + 1,
  }
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0')
}
