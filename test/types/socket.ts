/**
 * What a bot writes in TypeScript around our types. Never run: types.test.ts compiles it against our emitted
 * declarations and each version of Baileys.
 */

import makeWASocket, {
  addTransactionCapability,
  type AuthenticationCreds as BaileysCreds,
  type BaileysEventMap,
  type SignalKeyStore as BaileysKeyStore,
  type AuthenticationState as BaileysState,
  type CacheStore,
  initAuthCreds,
  makeCacheableSignalKeyStore,
  type SocketConfig,
} from '@whiskeysockets/baileys'
import type baileysLogger from '@whiskeysockets/baileys/lib/Utils/logger.js'
import type {
  AuthenticationCreds,
  AuthenticationState,
  AuthKeyStore,
  BaileysEventEmitter,
  ConnectionUpdate,
  Logger,
  SignalDataSet,
  SignalDataTypeMap,
  SignalKeyStore,
} from '../../src/auth-types.ts'
import { type BaileysModule, loadBaileys } from '../../src/baileys.ts'
import { BufferJSON } from '../../src/buffer-json.ts'
import {
  type CacheableSignalKeyStore,
  makeCacheableSignalKeyStore as cacheable,
} from '../../src/cacheable-key-store.ts'

declare const state: AuthenticationState
declare const logger: SocketConfig['logger']
declare const pino: typeof baileysLogger
declare function bind(events: BaileysEventEmitter): void
declare function saveCreds(): Promise<void>
declare function takesLogger(logger: Logger | false | undefined): void
declare function takesKeys(keys: SignalKeyStore): void

/** Types are equal, and neither is any. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** The bot of every guide, with and without Baileys' own cache. */
export function aBot(): void {
  const socket = makeWASocket({ auth: state })
  socket.ev.on('creds.update', saveCreds)
  bind(socket.ev)
  makeWASocket({ auth: { creds: state.creds, keys: makeCacheableSignalKeyStore(state.keys, logger) } })
  const options = { maxCommitRetries: 1, delayBetweenTriesMs: 1 }
  takesKeys(state.keys)
  addTransactionCapability(state.keys, logger, options)
  const theirs: BaileysState = state
  const keys: BaileysKeyStore = state.keys
  makeWASocket({ auth: { ...theirs, keys } })
}

/** Creds go both ways. */
export function creds(): void {
  const ours: AuthenticationCreds = initAuthCreds()
  const theirs: BaileysCreds = ours
  const fresh: AuthenticationState = { creds: theirs, keys: state.keys }
  makeWASocket({ auth: fresh })
  Object.assign(state.creds, { accountSyncCounter: state.creds.accountSyncCounter + 1 })
  state.creds.additionalData = { plan: 'pro', seen: Buffer.alloc(1) }
}

/** What Baileys emits is what our listeners take; a method's own check would let either be the wider. */
export function events(map: BaileysEventMap): [ConnectionUpdate, Partial<AuthenticationCreds>] {
  return [map['connection.update'], map['creds.update']]
}

/** What a bot does with keys itself. */
export async function keys(store: AuthKeyStore): Promise<void> {
  const preKeys = await store.get('pre-key', ['1', '2'])
  for (const { public: publicKey } of Object.values(preKeys)) publicKey.subarray(1)
  const mapping: string | undefined = (await store.get('lid-mapping', ['77']))['77']
  const bytes: Uint8Array | null | undefined = (await store.get('app-state-sync-key', ['a'])).a?.keyData
  const changes: SignalDataSet = {
    'pre-key': { 1: { public: new Uint8Array(32), private: Buffer.alloc(32) }, 2: null },
    'device-list': { '77': ['0'] },
    'lid-mapping': { '77': mapping ?? null },
    'identity-key': { '77.0': bytes ?? null },
  }
  await store.set(changes)
  for await (const [id, session] of store.list('session')) await store.set({ session: { [id]: session } })
  for await (const id of store.listIds('tctoken')) id.toUpperCase()
  await store.clear()
  // @ts-expect-error: a pre-key is a pair.
  await store.set({ 'pre-key': { 1: 'key' } })
  // @ts-expect-error: no type of Signal's.
  await store.get('pre-keys', ['1'])
}

/** Our cache goes around any store, and in any place where one is taken. */
export function cached(theirs: BaileysKeyStore, ours: SignalKeyStore, callers: CacheStore): void {
  const made = [
    cacheable(theirs, logger, callers),
    cacheable(ours, undefined, { maxBytes: 1 }),
    cacheable(makeCacheableSignalKeyStore(theirs, logger)),
    cacheable(addTransactionCapability(theirs, logger, { maxCommitRetries: 1, delayBetweenTriesMs: 1 })),
    cacheable(cacheable(theirs, console)),
  ]
  for (const keys of made) {
    makeWASocket({ auth: { creds: state.creds, keys } })
    takesKeys(keys)
    const back: BaileysKeyStore = keys
    makeCacheableSignalKeyStore(back, logger)
  }
  const ofAuthState: AuthKeyStore = cacheable(state.keys, logger)
  makeWASocket({ auth: { creds: state.creds, keys: ofAuthState } })
  // @ts-expect-error: what is not a store is not one with a cache either.
  cacheable(state)
  // @ts-expect-error: a Map deletes, and has no del.
  cacheable(state.keys, logger, new Map())
  // @ts-expect-error: bytes have another name.
  cacheable(state.keys, logger, { max: 1 })
}

/** Anything with pino's methods logs. */
export function loggers(): void {
  takesLogger(logger)
  takesLogger(pino)
  takesLogger(console)
  takesLogger(false)
  // @ts-expect-error: a function is no logger.
  takesLogger(() => undefined)
}

/** The whole module is the option `baileys`. */
export async function module(): Promise<void> {
  const given: BaileysModule = await import('@whiskeysockets/baileys')
  const loaded: BaileysModule = await loadBaileys(given)
  const made: AuthenticationCreds = loaded.initAuthCreds()
  const value: unknown = JSON.parse(JSON.stringify(made, BufferJSON.replacer), BufferJSON.reviver)
  // @ts-expect-error: Baileys' default export is not the module.
  await loadBaileys(makeWASocket)
  JSON.stringify(value)
}

/** None of the above holds because a type is any. */
export const typed: [
  Same<SignalDataTypeMap['lid-mapping'], string>,
  Same<AuthenticationCreds['additionalData'], unknown>,
  Same<AuthenticationCreds['registered'], boolean>,
  Same<Awaited<ReturnType<typeof loadBaileys>>, BaileysModule>,
  Same<
    Awaited<ReturnType<CacheableSignalKeyStore['get']>>[string],
    SignalDataTypeMap[keyof SignalDataTypeMap]
  >,
] = [true, true, true, true, true]
