import type { Buffer } from 'node:buffer'

/**
 * Creds and keys as Baileys types them, written out: a superset of 6.7 and 7 that assigns to and from either, and
 * imports nothing. Where Baileys types a field by long.js, which differs between its releases, the field is left out
 * here; it is stored and comes back all the same.
 */

type Awaitable<T> = T | Promise<T>

/** A Curve25519 key pair. */
export interface KeyPair {
  public: Uint8Array
  private: Uint8Array
}

/** A key pair that the identity key signed. */
export interface SignedKeyPair {
  keyPair: KeyPair
  signature: Uint8Array
  keyId: number
  timestampS?: number
}

/** An account's identity key, as the account announced it. */
export interface SignalIdentity {
  identifier: { name: string; deviceId: number }
  identifierKey: Uint8Array
}

/** Who the session is logged in as. */
export interface Contact {
  /** A JID of either kind. */
  id: string
  lid?: string
  /** Its JID by phone number, from 7 on. */
  phoneNumber?: string
  /** Its JID by phone number, in 6.7. */
  jid?: string
  name?: string
  notify?: string
  username?: string
  verifiedName?: string
  imgUrl?: string | null
  status?: string
}

/** Tells a message. */
export interface MessageKey {
  remoteJid?: string | null
  fromMe?: boolean | null
  id?: string | null
  participant?: string | null
}

/** A device identity that the phone signed: its presence in the creds means that the session is paired. */
export interface SignedDeviceIdentity {
  details?: Uint8Array | null
  accountSignatureKey?: Uint8Array | null
  accountSignature?: Uint8Array | null
  deviceSignature?: Uint8Array | null
}

/** What stays with an account whichever phone it is on. */
export interface AccountSettings {
  unarchiveChats: boolean
  defaultDisappearingMode?: { ephemeralExpiration?: number | null }
}

/** A session's identity; Baileys changes this one object in place for as long as it runs. */
export interface AuthenticationCreds {
  readonly signedIdentityKey: KeyPair
  readonly signedPreKey: SignedKeyPair
  readonly registrationId: number
  readonly noiseKey: KeyPair
  readonly pairingEphemeralKeyPair: KeyPair
  advSecretKey: string
  me?: Contact
  account?: SignedDeviceIdentity
  signalIdentities?: SignalIdentity[]
  myAppStateKeyId?: string
  firstUnuploadedPreKeyId: number
  nextPreKeyId: number
  lastAccountSyncTimestamp?: number
  platform?: string
  processedHistoryMessages: { key: MessageKey }[]
  accountSyncCounter: number
  accountSettings: AccountSettings
  /** True after a pairing code, never after a QR: it does not say whether the session is paired. */
  registered: boolean
  pairingCode: string | undefined
  lastPropHash: string | undefined
  routingInfo: Buffer | undefined
  /** The bot's own, from 7 on: anything that `BufferJSON` can carry. */
  additionalData?: unknown
}

/** A key of the app state's sync, as `proto.Message.AppStateSyncKeyData`. */
export interface AppStateSyncKeyData {
  keyData?: Uint8Array | null
  fingerprint?: {
    rawId?: number | null
    currentIndex?: number | null
    deviceIndexes?: number[] | null
  } | null
}

/** How far one collection of the app state has been synced. */
export interface LTHashState {
  version: number
  hash: Buffer
  indexValueMap: { [indexMacBase64: string]: { valueMac: Uint8Array | Buffer } }
}

/** What a Signal key type's records hold, as Baileys types it; a `session` is in truth libsignal's plain object. */
export interface SignalDataTypeMap {
  'pre-key': KeyPair
  session: Uint8Array
  'sender-key': Uint8Array
  'sender-key-memory': { [jid: string]: boolean }
  'app-state-sync-key': AppStateSyncKeyData
  'app-state-sync-version': LTHashState
  'lid-mapping': string
  'device-list': string[]
  tctoken: { token: Buffer; timestamp?: string; senderTimestamp?: number }
  'identity-key': Uint8Array
}

/** Changes by type and id; `null` removes a record. */
export type SignalDataSet = {
  [T in keyof SignalDataTypeMap]?: { [id: string]: SignalDataTypeMap[T] | null }
}

/** Any store of Signal keys that Baileys takes. */
export interface SignalKeyStore {
  get<T extends keyof SignalDataTypeMap>(
    type: T,
    ids: string[],
  ): Awaitable<{ [id: string]: SignalDataTypeMap[T] }>
  set(data: SignalDataSet): Awaitable<void>
  clear?(): Awaitable<void>
  list?<T extends keyof SignalDataTypeMap>(
    type: T,
  ): AsyncIterable<readonly [id: string, value: SignalDataTypeMap[T]]>
  listIds?<T extends keyof SignalDataTypeMap>(type: T): AsyncIterable<string>
}

/** The Signal keys of one session, as this package stores them. */
export interface AuthKeyStore extends SignalKeyStore {
  /**
   * Reads records, each made anew for this call. Every id asked for is in the answer; that of an absent record holds
   * `null`, which the type leaves out as Baileys' does. Rejects when a record can't be read or decoded.
   */
  get<T extends keyof SignalDataTypeMap>(
    type: T,
    ids: string[],
  ): Promise<{ [id: string]: SignalDataTypeMap[T] }>
  /** Lands all changes or none, and resolves when they are durable. Values are taken as they are at the call. */
  set(data: SignalDataSet): Promise<void>
  /** Removes every key, and leaves the creds. */
  clear(): Promise<void>
  /** Every record of a type, in no order; may run beside changes, and then give an id twice. */
  list<T extends keyof SignalDataTypeMap>(
    type: T,
  ): AsyncIterable<readonly [id: string, value: SignalDataTypeMap[T]]>
  /** Every id of a type, without reading values; else as {@link AuthKeyStore.list}. */
  listIds<T extends keyof SignalDataTypeMap>(type: T): AsyncIterable<string>
}

/** What `makeWASocket` takes as `auth`. */
export interface AuthenticationState {
  creds: AuthenticationCreds
  keys: AuthKeyStore
}

/** What `connection.update` says, as far as it concerns an auth state. */
export interface ConnectionUpdate {
  connection?: 'open' | 'connecting' | 'close'
  /** Why the connection closed; Baileys' own errors are Booms. */
  lastDisconnect?: { error: Error | undefined; date: Date }
  isNewLogin?: boolean
  qr?: string
}

/** As much of `sock.ev` as an auth state listens to. */
export interface BaileysEventEmitter {
  on(event: 'creds.update', listener: (update: Partial<AuthenticationCreds>) => void): void
  on(event: 'connection.update', listener: (update: ConnectionUpdate) => void): void
  off(event: 'creds.update', listener: (update: Partial<AuthenticationCreds>) => void): void
  off(event: 'connection.update', listener: (update: ConnectionUpdate) => void): void
}

/** As much of pino's interface as is called here; Baileys' own logger and `console` have it too. */
export interface Logger {
  debug(details: unknown, message?: string): void
  info(details: unknown, message?: string): void
  warn(details: unknown, message?: string): void
  error(details: unknown, message?: string): void
}
