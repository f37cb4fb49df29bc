export {
  type AuthState,
  type AuthStateOptions,
  type BindOptions,
  type CacheOptions,
  type LeaseOptions,
  type RetryOptions,
  useAuthState,
} from './auth-state.ts'
export type {
  AuthenticationCreds,
  AuthKeyStore,
  BaileysEventEmitter,
  Logger,
  SignalDataSet,
  SignalDataTypeMap,
} from './auth-types.ts'
export type { BaileysModule } from './baileys.ts'
export { BufferJSON, decode, encode } from './buffer-json.ts'
export {
  type AnySignalKeyStore,
  type CacheableOptions,
  type CacheableSignalKeyStore,
  type CacheLogger,
  type CallersCacheStore,
  makeCacheableSignalKeyStore,
} from './cacheable-key-store.ts'
export { type MemoryAuthStateOptions, memoryStore, useMemoryAuthState } from './entries/memory.ts'
export { type MultiFileAuthStateOptions, useMultiFileAuthState } from './entries/multi-file.ts'
export {
  AuthStateError,
  type AuthStateErrorCode,
  type AuthStateErrorOptions,
  isAuthStateError,
} from './errors.ts'
export type {
  Change,
  Durability,
  Entry,
  Guard,
  ListOptions,
  Store,
  StoreLimits,
  StoreWarning,
} from './store.ts'
