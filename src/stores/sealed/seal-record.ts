import { keyIdPattern } from './key-ring.ts'
import { kdfPattern } from './passphrase.ts'

/** The reserved record of a session that says how its names are stored. */
export const sealName = '!seal'

/** A way in which names of a session are hidden. */
export interface HidingKey {
  readonly id: string
  /** As in a sealed record. */
  readonly kdf: string
  /** HMAC-SHA256 of NUL `!seal` under the key of names, 32 hex digits of it: tells a wrong key before a record seems absent. */
  readonly check: string
}

/**
 * What must be known of a session before a record can be looked for:
 *
 *     {"v":1,"names":"plain"}
 *     {"v":1,"names":"hidden","plain":true,"keys":[{"id":"k1","kdf":"","check":"..."}]}
 *
 * `plain: true` where records under names of their own are left, from before names were hidden.
 */
export type SealRecord =
  | { readonly names: 'plain' }
  | { readonly names: 'hidden'; readonly plain: boolean; readonly keys: readonly HidingKey[] }

/** The record's text. Equal for equal contents. */
export function formatSeal(seal: SealRecord): string {
  if (seal.names === 'plain') return JSON.stringify({ v: 1, names: 'plain' })
  const inOrder = [...seal.keys].sort((left, right) => (orderOf(left) < orderOf(right) ? -1 : 1))
  const keys = inOrder.map(({ id, kdf, check }) => ({ id, kdf, check }))
  return JSON.stringify({ v: 1, names: 'hidden', ...(seal.plain ? { plain: true } : {}), keys })
}

/** What a text says; `'newer'` for one of a later layout, `undefined` for one that no version wrote. */
export function parseSeal(text: string): SealRecord | 'newer' | undefined {
  const parsed = parseObject(text)
  if (!parsed || typeof parsed.v !== 'number') return undefined
  if (parsed.v > 1) return 'newer'
  const seal: SealRecord | undefined =
    parsed.names === 'hidden' && Array.isArray(parsed.keys) && parsed.keys.every(isHidingKey)
      ? { names: 'hidden', plain: parsed.plain === true, keys: parsed.keys }
      : parsed.names === 'plain'
        ? { names: 'plain' }
        : undefined
  return seal && formatSeal(seal) === text ? seal : undefined
}

function orderOf({ id, kdf }: HidingKey): string {
  return `${id} ${kdf}`
}

const idShape = new RegExp(`^${keyIdPattern}$`)
const kdfShape = new RegExp(`^(?:${kdfPattern})?$`)

function isHidingKey(value: unknown): value is HidingKey {
  const { id, kdf, check } = Object(value)
  return idShape.test(id) && kdfShape.test(kdf) && /^[0-9a-f]{32}$/.test(check)
}

function parseObject(text: string): { readonly [name: string]: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}
