import {
  type AuthenticationCreds,
  type AuthenticationState,
  BufferJSON,
  initAuthCreds,
  proto,
  type SignalDataSet,
  type SignalDataTypeMap,
} from '@whiskeysockets/baileys'

/** An auth state in memory that shares no object with its caller, as one on a disk wouldn't. */
export interface MemoryAuthState extends AuthenticationState {
  /** The records as they would lie on a disk, by type and id. */
  readonly records: Map<string, string>
}

/** Makes an empty auth state with a new identity, or one with the records of another and a copy of its creds. */
export function memoryAuthState(from?: {
  creds: AuthenticationCreds
  records: Map<string, string>
}): MemoryAuthState {
  const records = new Map(from?.records)
  const creds = from ? (decode(encode(from.creds)) as AuthenticationCreds) : initAuthCreds()
  return {
    creds,
    records,
    keys: {
      get: async <T extends keyof SignalDataTypeMap>(type: T, ids: string[]) => {
        const found: { [id: string]: SignalDataTypeMap[T] } = {}
        for (const id of ids) {
          const text = records.get(`${type}/${id}`)
          if (text !== undefined) found[id] = revive(type, decode(text))
        }
        return found
      },
      set: async (data: SignalDataSet) => {
        for (const [type, values] of Object.entries(data)) {
          for (const [id, value] of Object.entries(values ?? {})) {
            if (value === null || value === undefined) records.delete(`${type}/${id}`)
            else records.set(`${type}/${id}`, encode(value))
          }
        }
      },
    },
  }
}

function encode(value: unknown): string {
  return JSON.stringify(value, BufferJSON.replacer)
}

function decode(text: string): unknown {
  return JSON.parse(text, BufferJSON.reviver)
}

function revive<T extends keyof SignalDataTypeMap>(type: T, value: unknown): SignalDataTypeMap[T] {
  const revived =
    type === 'app-state-sync-key' ? proto.Message.AppStateSyncKeyData.fromObject(value as object) : value
  return revived as SignalDataTypeMap[T] // What was stored under a type is of that type.
}
