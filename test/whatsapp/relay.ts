import {
  type BinaryNode,
  getBinaryNodeChild,
  getBinaryNodeChildren,
  isLidUser,
} from '@whiskeysockets/baileys'
import type { Directory } from './account.ts'
import type { Addressing, Device } from './device.ts'
import type { Group, Groups } from './groups.ts'
import { node, timestamp } from './node.ts'

/** Carries messages and receipts from device to device, without a look inside. */
export class Relay {
  readonly #directory: Directory
  readonly #groups: Groups

  constructor(directory: Directory, groups: Groups) {
    this.#directory = directory
    this.#groups = groups
  }

  /** Delivers a message to each device that it holds a part for; answers with those devices. */
  message(sender: Device, stanza: BinaryNode): Device[] {
    const group = this.#groups.get(stanza.attrs.to)
    const parts = group ? this.#groupParts(sender, stanza, group) : this.#chatParts(sender, stanza)
    for (const { target, attrs, content } of parts) {
      const identity = getBinaryNodeChildren(stanza, 'device-identity')
      const common = {
        id: stanza.attrs.id,
        type: stanza.attrs.type,
        edit: stanza.attrs.edit,
        t: timestamp(),
        notify: sender.account.name,
      }
      target.deliver(node('message', { ...common, ...attrs }, [...content, ...identity]))
    }
    return parts.map(part => part.target)
  }

  /** Hands a receipt on to the device that sent the message, or to all of its user's where the address names none. */
  receipt(sender: Device, stanza: BinaryNode): void {
    const { id, to, type, participant, recipient } = stanza.attrs
    const group = this.#groups.get(to)
    const author = group ? participant : to
    const by = kindOf(author)
    // A new copy goes to the very device that asks for it; that a message was delivered is said of the user.
    const from = type === 'retry' ? sender.address(by) : sender.account.address(by)
    const receipt = node(
      'receipt',
      {
        id,
        // "Inactive" tells the server that no one is looking; for the sender it is a delivery like any other.
        type: type === 'inactive' ? undefined : type,
        t: timestamp(),
        recipient,
        ...(group ? { from: group.jid, participant: from } : { from }),
      },
      stanza.content,
    )
    const device = this.#directory.device(author)
    const isForPhone = type === 'peer_msg' || type === 'hist_sync'
    if (device) device.deliver(receipt)
    else if (!isForPhone)
      for (const each of this.#directory.account(author)?.devices.values() ?? []) each.deliver(receipt)
  }

  #chatParts(sender: Device, stanza: BinaryNode): Part[] {
    const to = stanza.attrs.to
    const by = kindOf(to)
    const chat = stanza.attrs.recipient ?? to
    const attrsFor = (target: Device): Part['attrs'] => {
      const from = sender.address(by)
      const other: Addressing = by === 'lid' ? 'pn' : 'lid'
      // Baileys takes the alternative address for that of the chat: on a copy for the sender's own devices it has to
      // be the recipient's, or the recipient's number would be mapped to the sender.
      if (target.account === sender.account) {
        return {
          from,
          recipient: chat,
          [`peer_recipient_${other}`]: this.#directory.account(chat)?.address(other),
        }
      }
      return { from, [`sender_${other}`]: sender.account.address(other) }
    }
    return this.#addressed(sender, stanza).map(({ target, content }) => ({
      target,
      content,
      attrs: attrsFor(target),
    }))
  }

  #groupParts(sender: Device, stanza: BinaryNode, group: Group): Part[] {
    const by = group.addressing
    const other: Addressing = by === 'lid' ? 'pn' : 'lid'
    const attrs = {
      from: group.jid,
      participant: sender.address(by),
      [`participant_${other}`]: sender.account.address(other),
      addressing_mode: by,
    }
    const forAll = getBinaryNodeChildren(stanza, 'enc')
    // A copy that one member asked for again.
    if (stanza.attrs.participant) {
      const target = this.#directory.device(stanza.attrs.participant)
      return target ? [{ target, attrs, content: forAll }] : []
    }
    const addressed = this.#addressed(sender, stanza)
    const targets = group.members
      .flatMap(member => [...member.devices.values()])
      .filter(device => device !== sender)
    return targets.map(target => {
      const own = addressed.find(part => part.target === target)?.content ?? []
      return { target, attrs, content: [...own, ...forAll] }
    })
  }

  // Parts for phones and for devices that are gone are dropped here.
  #addressed(sender: Device, stanza: BinaryNode): { target: Device; content: BinaryNode[] }[] {
    const list = getBinaryNodeChild(stanza, 'participants')
    const parts = list ? getBinaryNodeChildren(list, 'to') : [stanza]
    return parts.flatMap(part => {
      const target = this.#directory.device(part.attrs[list ? 'jid' : 'to'])
      return target && target !== sender ? [{ target, content: getBinaryNodeChildren(part, 'enc') }] : []
    })
  }
}

interface Part {
  readonly target: Device
  readonly attrs: { readonly [name: string]: string | undefined }
  readonly content: BinaryNode[]
}

function kindOf(jid: string | undefined): Addressing {
  return isLidUser(jid) ? 'lid' : 'pn'
}
