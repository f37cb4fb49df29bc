import type { AuthKeyStore, SignalDataSet, SignalDataTypeMap } from './auth-types.ts'
import { type BaileysModule, reviveKey } from './baileys.ts'
import { decode, encode } from './buffer-json.ts'
import { AuthStateError } from './errors.ts'
import { isShortened, parseRecordName, recordName, typePrefix } from './names.ts'
import { putOwn } from './own-property.ts'
import { notUnsealed, sealedMark } from './sealed-marks.ts'
import type { Handle } from './session/open-session.ts'
import type { Change } from './store.ts'

type Type = keyof SignalDataTypeMap

const pieceBytes = 65_536

/**
 * Baileys' `SignalKeyStore` over a session. `get` gives each caller values of its own, and `null` under the id of an
 * absent record, as Baileys' own function does; `set` takes anything falsy for a removal, as that does.
 */
export function keyStoreOf(handle: Handle, baileys: BaileysModule): AuthKeyStore {
  const { session, number } = handle
  return {
    async get(type, ids) {
      const wanted = Array.from(new Set(ids))
      const texts = await session.readAll(wanted.map(id => recordName(type, id)))
      const found: { [id: string]: SignalDataTypeMap[typeof type] } = {}
      for (const [index, id] of wanted.entries()) {
        const text = texts[index]
        const value = text === undefined ? null : decodeKey(handle, baileys, type, id, text)
        // Baileys' type leaves null out, and its code expects it.
        putOwn(found, id, value as SignalDataTypeMap[typeof type])
      }
      return found
    },

    async set(data) {
      await session.write(number, changesOf(data))
    },

    async clear() {
      for await (const changes of removals(handle)) await session.write(number, changes)
    },

    async *list(type) {
      for await (const { name, value } of session.list(typePrefix(type), true)) {
        const id = idOf(name, value)
        // Baileys' types promise a value of the type that was asked for; only its own code wrote it.
        if (value !== undefined)
          yield [id, decodeKey(handle, baileys, type, id, value) as SignalDataTypeMap[typeof type]]
      }
    },

    async *listIds(type) {
      for await (const { name, value } of session.list(typePrefix(type), false)) {
        if (!isShortened(name)) yield idOf(name, value)
        else yield idOf(name, (await session.readAll([name]))[0])
      }
    },
  }
}

function changesOf(data: SignalDataSet): readonly Change[] {
  const changes: Change[] = []
  // The loop is over what a caller made, whatever the types say.
  for (const [type, values] of Object.entries(data) as [Type, { [id: string]: unknown } | undefined][]) {
    for (const [id, value] of Object.entries(values ?? {})) {
      const name = recordName(type, id)
      changes.push({ name, value: value ? encodeKey(name, type, id, value) : undefined })
    }
  }
  return changes
}

/** Where the name does not hold the whole id, the text begins with it. */
function encodeKey(name: string, type: string, id: string, value: unknown): string {
  const text = encode(value)
  return isShortened(name) ? `${JSON.stringify([type, id])}\n${text}` : text
}

function decodeKey(handle: Handle, baileys: BaileysModule, type: Type, id: string, text: string): unknown {
  const name = recordName(type, id)
  if (text.startsWith(sealedMark)) throw notUnsealed(handle.session.kind, handle.session.name)
  try {
    return reviveKey(baileys, type, decode(isShortened(name) ? text.slice(text.indexOf('\n') + 1) : text))
  } catch {
    const { session } = handle
    const error = new AuthStateError(
      'RECORD_CORRUPT',
      `A stored record of type "${type}" of session "${session.name}" cannot be read (its name is in the error's record property). ` +
        'Restore it from a backup, or set it to null to do without it.',
      { kind: session.kind, session: session.name },
    )
    // Ids are phone numbers: not enumerable, so that no logger prints it unasked.
    Object.defineProperty(error, 'record', { value: name })
    throw error
  }
}

function idOf(name: string, text: string | undefined): string {
  const parsed = parseRecordName(name)
  if (parsed) return parsed.id
  const head: unknown = JSON.parse(text?.slice(0, text.indexOf('\n')) ?? '[]')
  return Array.isArray(head) ? String(head[1]) : name
}

/** The removal of every key, in pieces that any store lands at once. */
async function* removals({ session }: Handle): AsyncGenerator<readonly Change[], void, void> {
  const names: string[] = []
  for await (const { name } of session.list('', false)) names.push(name)
  let piece: Change[] = []
  let bytes = 0
  for (const name of names) {
    if (piece.length > 0 && bytes + name.length > Math.min(session.batchBytes, pieceBytes)) {
      yield piece
      piece = []
      bytes = 0
    }
    piece.push({ name, value: undefined })
    bytes += name.length
  }
  if (piece.length > 0) yield piece
}
