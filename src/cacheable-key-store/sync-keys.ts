import { types } from 'node:util'
import { loadBaileys } from '../baileys.ts'
import { decode } from '../buffer-json.ts'

type FromObject = (object: { [field: string]: unknown }) => unknown

/** The one type whose values are more than their fields: messages of Baileys' protobuf classes. */
export const syncKeyType = 'app-state-sync-key'

/**
 * Makes `app-state-sync-key`s of texts: by the class of the last one that passed through, else by that of the Baileys
 * that is installed.
 */
export class SyncKeys {
  #fromObject: FromObject | undefined

  /** Remembers the class of a value. */
  notice(value: unknown): void {
    this.#fromObject = fromObjectOf(value) ?? this.#fromObject
  }

  /** A copy of `value`, whose text is `text`: of its class if it has one, and itself where that can't be copied. */
  copy(value: unknown, text: string): unknown {
    const fromObject = fromObjectOf(value)
    if (fromObject === undefined) return decode(text)
    try {
      return revived(fromObject, text)
    } catch {
      return value
    }
  }

  /** Resolves with what makes a key of a text; it throws where it can't. */
  async reviver(): Promise<(text: string) => unknown> {
    const fromObject = this.#fromObject ?? (await fromObjectOfBaileys())
    return text => revived(fromObject, text)
  }
}

function fromObjectOf(value: unknown): FromObject | undefined {
  const made: unknown = isObject(value) ? value.constructor : undefined
  if (!isObject(made) || typeof made.fromObject !== 'function') return undefined
  const { fromObject } = made
  return object => fromObject.call(made, object)
}

async function fromObjectOfBaileys(): Promise<FromObject> {
  const { proto } = await loadBaileys()
  return object => proto.Message.AppStateSyncKeyData.fromObject(object)
}

function revived(fromObject: FromObject, text: string): unknown {
  const fields = decode(text)
  if (!isObject(fields)) throw new TypeError('The app-state-sync-key is not an object.')
  const key = fromObject(fields)
  const hadBytes = fields.keyData !== undefined && fields.keyData !== null
  if (hadBytes && !(isObject(key) && types.isUint8Array(key.keyData))) {
    throw new TypeError("The app-state-sync-key's keyData is neither bytes nor base64.")
  }
  return key
}

function isObject(value: unknown): value is { [name: string]: unknown } {
  return (typeof value === 'object' || typeof value === 'function') && value !== null
}
