import {
  type BinaryNode,
  getBinaryNodeChild,
  getBinaryNodeChildren,
  jidDecode,
  S_WHATSAPP_NET,
} from '@whiskeysockets/baileys'
import type { Directory } from './account.ts'
import type { Device } from './device.ts'
import type { KeyBundle } from './key-bundle.ts'
import { errorOf, firstChild, node, resultOf } from './node.ts'

/** Fewer one-time pre-keys than this, and the server asks their owner for more, as Baileys' own threshold has it. */
const LOW_PRE_KEYS = 5

/** What the server is told when keys come and go. */
export interface KeyEvents {
  readonly uploaded: (device: Device, count: number) => void
  readonly nextId: () => string
}

/** Answers an `encrypt` query: count, upload and digest of one's own keys, bundles of others. */
export function answerKeys(
  directory: Directory,
  asker: Device,
  query: BinaryNode,
  events: KeyEvents,
): BinaryNode {
  const { bundle } = asker
  switch (firstChild(query)?.tag) {
    case 'count':
      return resultOf(query, [node('count', { value: String(bundle.left) })])
    case 'digest':
      return bundle.left > 0
        ? resultOf(query, [node('digest', {}, bundle.digest())])
        : errorOf(query, 404, 'item-not-found')
    case 'rotate':
      bundle.rotate(getBinaryNodeChild(query, 'rotate') ?? query)
      return resultOf(query)
    case 'key':
      return resultOf(query, [node('list', {}, handOut(directory, query, events))])
    default:
      events.uploaded(asker, bundle.upload(query))
      return resultOf(query)
  }
}

function handOut(directory: Directory, query: BinaryNode, events: KeyEvents): BinaryNode[] {
  return getBinaryNodeChildren(getBinaryNodeChild(query, 'key'), 'user').map(({ attrs: { jid } }) => {
    const device = directory.device(jid)
    const bundle = device?.bundle ?? phoneBundle(directory, jid)
    if (!bundle) return node('user', { jid }, [node('error', { code: '404', text: 'item-not-found' })])
    const content = bundle.handOut()
    if (device && bundle.left === LOW_PRE_KEYS - 1) askForMore(device, events)
    return node('user', { jid }, content)
  })
}

function phoneBundle(directory: Directory, jid: string | undefined): KeyBundle | undefined {
  return jidDecode(jid)?.device ? undefined : directory.account(jid)?.phone.bundle
}

function askForMore(device: Device, events: KeyEvents): void {
  const count = node('count', { value: String(device.bundle.left) })
  device.deliver(
    node('notification', { id: events.nextId(), from: S_WHATSAPP_NET, type: 'encrypt' }, [count]),
  )
}
