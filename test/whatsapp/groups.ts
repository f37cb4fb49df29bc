import { type BinaryNode, getBinaryNodeChild } from '@whiskeysockets/baileys'
import type { Account } from './account.ts'
import type { Addressing, Device } from './device.ts'
import { errorOf, node, resultOf, timestamp } from './node.ts'

/** A group of users. */
export interface Group {
  readonly jid: string
  readonly subject: string
  /** How its members address each other. */
  readonly addressing: Addressing
  readonly createdAt: string
  readonly members: readonly Account[]
}

/** All groups, and the answers to questions about them. */
export class Groups {
  readonly #byJid: Map<string, Group> = new Map()

  /** Makes a group; the first member is its owner. */
  create(
    members: readonly Account[],
    options: { readonly subject?: string; readonly addressing?: Addressing },
  ): Group {
    const group: Group = {
      jid: `1203630000000000${String(this.#byJid.size + 10)}@g.us`,
      subject: options.subject ?? 'Group',
      addressing: options.addressing ?? 'pn',
      createdAt: timestamp(),
      members,
    }
    this.#byJid.set(group.jid, group)
    return group
  }

  /** The group with this address. */
  get(jid: string | undefined): Group | undefined {
    return this.#byJid.get(jid ?? '')
  }

  /** Answers a `w:g2` query: metadata of one group, or the groups that the device is in. */
  answer(device: Device, query: BinaryNode): BinaryNode {
    if (getBinaryNodeChild(query, 'participating')) {
      const own = [...this.#byJid.values()].filter(group => group.members.includes(device.account))
      return resultOf(query, [node('groups', {}, own.map(describe))])
    }
    const group = this.get(query.attrs.to)
    if (!group) return errorOf(query, 404, 'item-not-found')
    if (!group.members.includes(device.account)) return errorOf(query, 403, 'forbidden')
    return resultOf(query, [describe(group)])
  }
}

function describe(group: Group): BinaryNode {
  const { jid, subject, addressing, createdAt, members } = group
  const owner = members[0]
  return node(
    'group',
    {
      id: jid,
      subject,
      addressing_mode: addressing,
      creation: createdAt,
      creator: owner?.address(addressing),
      s_t: createdAt,
      s_o: owner?.address(addressing),
      size: String(members.length),
    },
    members.map(member =>
      node('participant', {
        jid: member.address(addressing),
        ...(addressing === 'lid' ? { phone_number: member.address('pn') } : { lid: member.address('lid') }),
        type: member === owner ? 'superadmin' : undefined,
      }),
    ),
  )
}
