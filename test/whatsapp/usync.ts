import { type BinaryNode, getBinaryNodeChild, getBinaryNodeChildren } from '@whiskeysockets/baileys'
import type { Account, Directory } from './account.ts'
import type { Device } from './device.ts'
import { node, resultOf, textOf } from './node.ts'

/** Answers a `usync` query: who the users are, which devices they have, under which other number they go. */
export function answerUsync(directory: Directory, asker: Device, query: BinaryNode): BinaryNode {
  const usync = getBinaryNodeChild(query, 'usync')
  const asked = getBinaryNodeChild(usync, 'query')
  const protocols = Array.isArray(asked?.content) ? asked.content.map(part => part.tag) : []
  const users = getBinaryNodeChildren(getBinaryNodeChild(usync, 'list'), 'user')
  const answers = users.flatMap(user => {
    const phone = textOf(getBinaryNodeChild(user, 'contact'))
    const jid = user.attrs.jid ?? `${phone.replace(/\D/g, '')}@s.whatsapp.net`
    const account = directory.account(jid)
    if (protocols.includes('devices')) account?.watchers.add(asker)
    const parts = protocols
      .map(protocol => describe(protocol, account, jid))
      .filter(part => part !== undefined)
    return parts.length > 0 ? [node('user', { jid }, parts)] : []
  })
  const { sid, mode, context } = usync?.attrs ?? {}
  return resultOf(query, [
    node('usync', { sid, mode, context, index: '0', last: 'true' }, [
      node(
        'result',
        {},
        protocols.map(protocol => node(protocol)),
      ),
      node('list', {}, answers),
    ]),
  ])
}

function describe(protocol: string, account: Account | undefined, jid: string): BinaryNode | undefined {
  if (protocol === 'contact') return node('contact', { type: account ? 'in' : 'out' })
  if (!account) return undefined
  if (protocol === 'lid')
    return jid.endsWith('@lid') || !account.tellsLid
      ? undefined
      : node('lid', { val: account.address('lid') })
  if (protocol !== 'devices') return node(protocol)
  const linked = [...account.devices.keys()].map(id =>
    node('device', { id: String(id), 'key-index': String(id) }),
  )
  return node('devices', {}, [node('device-list', {}, [node('device', { id: '0' }), ...linked])])
}

/** Tells all who asked for an account's devices that one was added or removed. */
export function announceDevice(device: Device, change: 'add' | 'remove', id: string, t: string): void {
  for (const watcher of device.account.watchers) {
    if (watcher === device) continue
    const part = node(change, {}, [node('device', { jid: device.jid, 'key-index': String(device.id) })])
    watcher.deliver(
      node('notification', { id, from: device.account.address('pn'), type: 'devices', t }, [part]),
    )
  }
}
