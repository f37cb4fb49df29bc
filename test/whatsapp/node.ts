import { type BinaryNode, getBinaryNodeChild, S_WHATSAPP_NET } from '@whiskeysockets/baileys'

/** Makes a stanza or a part of one; attributes that are undefined are left out. */
export function node(
  tag: string,
  attrs: { readonly [name: string]: string | undefined } = {},
  content?: BinaryNode['content'],
): BinaryNode {
  const present: { [name: string]: string } = {}
  for (const [name, value] of Object.entries(attrs)) if (value !== undefined) present[name] = value
  return content === undefined ? { tag, attrs: present } : { tag, attrs: present, content }
}

/** The answer to a query, under the query's id. */
export function resultOf(query: BinaryNode, content?: BinaryNode[]): BinaryNode {
  return node('iq', { from: query.attrs.to ?? S_WHATSAPP_NET, type: 'result', id: query.attrs.id }, content)
}

/** The refusal of a query, under the query's id. */
export function errorOf(query: BinaryNode, code: number, text: string): BinaryNode {
  return node('iq', { from: query.attrs.to ?? S_WHATSAPP_NET, type: 'error', id: query.attrs.id }, [
    node('error', { code: String(code), text }),
  ])
}

/** The bytes in the named child. Throws where there is none: a client that leaves it out is broken. */
export function childBytes(parent: BinaryNode | undefined, tag: string): Uint8Array {
  const content = getBinaryNodeChild(parent, tag)?.content
  if (content instanceof Uint8Array) return content
  throw new Error(`<${parent?.tag}> has no bytes in <${tag}>`)
}

/** The first part of a stanza, whatever its tag. */
export function firstChild(parent: BinaryNode): BinaryNode | undefined {
  return Array.isArray(parent.content) ? parent.content[0] : undefined
}

/** Text content, which the codec hands over as a string or as bytes, depending on its dictionary. */
export function textOf(part: BinaryNode | undefined): string {
  const content = part?.content
  if (typeof content === 'string') return content
  return content instanceof Uint8Array ? Buffer.from(content).toString('utf8') : ''
}

/** A big-endian unsigned integer. */
export function uintOf(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0)
}

/** Now, in seconds, as stanzas carry it. */
export function timestamp(): string {
  return String(Math.floor(Date.now() / 1000))
}
