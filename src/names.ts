import { createHash } from 'node:crypto'

/**
 * The names that stores see, made from those that users and peers choose. Every mapping is injective, so that two
 * sessions or two records never meet, and its results are printable ASCII that matches no pattern and crosses no
 * path. A name that would be too long keeps its head and ends in `~` and a SHA-256; `~` never occurs otherwise.
 */

/** The record that says who owns a session. */
export const fenceName = '!fence'

/** The record that holds a session's creds. */
export const credsName = 'creds'

/** The internal scope that holds every owner's heartbeat. */
export const ownersScope = '!owners'

/** The record, in {@link ownersScope}, that an owner touches while it lives. */
export function heartbeatName(owner: string): string {
  return `!heartbeat/${owner}`
}

/** True for a reserved record: stored like any other, but no part of what a session holds. */
export function isReserved(name: string): boolean {
  return name.startsWith('!')
}

/** True for a scope of the core's own. */
export function isInternalScope(scope: string): boolean {
  return scope.startsWith('!')
}

const maxScope = 200
const maxType = 80
const maxId = 300
const kept = 120

/** The scope of a session. @throws TypeError for an empty name */
export function scopeOf(session: string): string {
  if (session === '') throw new TypeError('A session needs a name that is not empty.')
  return shorten(escapeName(session), maxScope)
}

/** The session of a scope; `undefined` where the name was too long to be part of the scope (its fence holds it). */
export function sessionOf(scope: string): string | undefined {
  return scope.includes('~') ? undefined : unescapeName(scope)
}

/** The record of a key: `<type>/<id>`, both escaped. */
export function recordName(type: string, id: string): string {
  return typePrefix(type) + shorten(escapeName(id), maxId)
}

/** What the names of all records of one key type begin with. */
export function typePrefix(type: string): string {
  return `${shorten(escapeName(type), maxType)}/`
}

/**
 * The key type and id of a record; `undefined` for creds, reserved records, and ids that were too long to be part
 * of the name (see {@link isShortened}).
 */
export function parseRecordName(name: string): { readonly type: string; readonly id: string } | undefined {
  const slash = name.indexOf('/')
  if (slash < 0 || isReserved(name) || isShortened(name)) return undefined
  return { type: unescapeName(name.slice(0, slash)), id: unescapeName(name.slice(slash + 1)) }
}

/** True where a name ends in a hash because the id (or type) behind it is too long. */
export function isShortened(name: string): boolean {
  return name.includes('~')
}

function shorten(escaped: string, max: number): string {
  if (escaped.length <= max) return escaped
  const hash = createHash('sha256').update(escaped).digest('base64url')
  return `${escaped.slice(0, Math.min(kept, max - 1 - hash.length))}~${hash}`
}

/** Percent-encodes all but `A-Z a-z 0-9 + , - . : = @ _`, over UTF-8, with lone surrogates as three bytes of their own. */
function escapeName(text: string): string {
  // Nearly all are as they may be.
  if (/^[A-Za-z0-9+,\-.:=@_]*$/.test(text)) return text
  return text.replace(/[^A-Za-z0-9+,\-.:=@_]/gu, character => {
    const code = character.codePointAt(0) ?? 0
    const bytes = isSurrogate(code)
      ? [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]
      : Buffer.from(character, 'utf8')
    return Array.from(bytes, byte => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
  })
}

function unescapeName(escaped: string): string {
  return escaped.replace(/(?:%[0-9A-F]{2})+/g, run => {
    const bytes = Buffer.from(run.replaceAll('%', ''), 'hex')
    let text = ''
    let from = 0
    for (let at = 0; at + 2 < bytes.length; at++) {
      // 0xED followed by 0xA0 or more never occurs in UTF-8: it is a lone surrogate of ours.
      if (bytes[at] !== 0xed || (bytes[at + 1] ?? 0) < 0xa0) continue
      text += bytes.toString('utf8', from, at)
      text += String.fromCharCode(
        0xd000 | (((bytes[at + 1] ?? 0) & 0x3f) << 6) | ((bytes[at + 2] ?? 0) & 0x3f),
      )
      at += 2
      from = at + 1
    }
    return text + bytes.toString('utf8', from)
  })
}

function isSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdfff
}
