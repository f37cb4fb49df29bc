import { types } from 'node:util'
import type { AppStateSyncKeyData, AuthenticationCreds, SignalDataTypeMap } from './auth-types.ts'

/** What an auth state needs of Baileys at run time. */
export interface BaileysModule {
  initAuthCreds(): AuthenticationCreds
  readonly proto: {
    readonly Message: {
      readonly AppStateSyncKeyData: { fromObject(object: { [field: string]: unknown }): AppStateSyncKeyData }
    }
  }
}

// Typed as plain strings, so that neither tsc nor a bundler takes the packages for ones that have to be there.
const specifiers: readonly string[] = ['@whiskeysockets/baileys', 'baileys']

let installed: Promise<BaileysModule> | undefined

/**
 * Finds Baileys: `given`, else the package `@whiskeysockets/baileys`, else `baileys`. Rejects with a `TypeError` when
 * `given` is not Baileys or neither package is installed, and with Baileys' own error when it fails to load.
 */
export async function loadBaileys(given?: BaileysModule): Promise<BaileysModule> {
  if (given !== undefined) {
    const baileys = baileysIn(given)
    if (baileys) return baileys
    throw new TypeError(
      'The option `baileys` has no `initAuthCreds` and `proto`. Pass the whole module: ' +
        "import * as baileys from '@whiskeysockets/baileys'.",
    )
  }
  if (installed) return installed
  const loading = importInstalled()
  installed = loading
  // A failure is not kept: what it reports can be repaired while the process lives.
  loading.catch(() => {
    if (installed === loading) installed = undefined
  })
  return loading
}

/**
 * Makes of a decoded value what Baileys expects under its type: an `app-state-sync-key` is a
 * `proto.Message.AppStateSyncKeyData`, anything else is as it was stored. Throws when such a key holds no bytes where
 * it should: Baileys would take it without complaint and derive wrong keys from it.
 */
export function reviveKey<T extends keyof SignalDataTypeMap>(
  baileys: BaileysModule,
  type: T,
  value: unknown,
): SignalDataTypeMap[T] {
  const revived = type === 'app-state-sync-key' ? reviveAppStateSyncKey(baileys, value) : value
  return revived as SignalDataTypeMap[T] // What was stored under a type is of that type.
}

function reviveAppStateSyncKey(baileys: BaileysModule, value: unknown): unknown {
  if (value === undefined || value === null) return value
  if (!isObject(value)) throw new TypeError('The app-state-sync-key is not an object.')
  // Not `create`: bytes come as base64 from JSON, because a message's own toJSON runs before BufferJSON's replacer.
  const key = baileys.proto.Message.AppStateSyncKeyData.fromObject(value)
  if (value.keyData !== undefined && value.keyData !== null && !types.isUint8Array(key.keyData)) {
    throw new TypeError("The app-state-sync-key's keyData is neither bytes nor base64.")
  }
  return key
}

async function importInstalled(): Promise<BaileysModule> {
  for (const specifier of specifiers) {
    let module: unknown
    try {
      module = await import(specifier)
    } catch (error) {
      if (isAbsent(specifier, error)) continue
      throw error
    }
    const baileys = baileysIn(module)
    if (baileys) return baileys
    throw new TypeError(
      `The package ${specifier} has no \`initAuthCreds\` and \`proto\`: it is not Baileys 6.7 or 7.`,
    )
  }
  throw new TypeError(
    'Baileys is not installed: run `npm install @whiskeysockets/baileys` (or `baileys`), ' +
      'or pass the module as the option `baileys`.',
  )
}

/** True only when the package itself is not there, not when something that it imports is missing. */
function isAbsent(specifier: string, error: unknown): boolean {
  if (!isObject(error)) return false
  const notFound = error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND'
  return notFound && typeof error.message === 'string' && error.message.includes(`'${specifier}'`)
}

/** The module, or what interoperation with CommonJS has put under its `default`. */
function baileysIn(module: unknown): BaileysModule | undefined {
  if (isBaileys(module)) return module
  if (isObject(module) && isBaileys(module.default)) return module.default
  return undefined
}

function isBaileys(module: unknown): module is BaileysModule {
  if (!isObject(module) || typeof module.initAuthCreds !== 'function') return false
  const message = isObject(module.proto) ? module.proto.Message : undefined
  const key = isObject(message) ? message.AppStateSyncKeyData : undefined
  return isObject(key) && typeof key.fromObject === 'function'
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return (typeof value === 'object' || typeof value === 'function') && value !== null
}
