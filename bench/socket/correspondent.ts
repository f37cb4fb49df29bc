import { randomBytes } from 'node:crypto'
import {
  type BinaryNode,
  encodeWAMessage,
  parseAndInjectE2ESessions,
  type proto,
  type SignalRepositoryWithLIDStore,
} from '@whiskeysockets/baileys'
import type { Account } from '../../test/whatsapp/account.ts'
import { node, timestamp } from '../../test/whatsapp/node.ts'

/** One who writes to a bot from the phone: Baileys' own encryption, and no socket. */
export class Correspondent {
  /** The user's address. */
  readonly jid: string
  /** The address that hides the number, which the server adds to each message. */
  readonly #lid: string | undefined
  readonly #signal: SignalRepositoryWithLIDStore
  readonly #groupsWithKey: Set<string> = new Set()
  #hasMet = false
  #isAnswered = false

  constructor(account: Account) {
    this.jid = account.address('pn')
    this.#lid = account.tellsLid ? account.address('lid') : undefined
    this.#signal = account.phone.signal
  }

  /** Starts a Signal session with the one device that it writes to, by its keys, where there is none yet. */
  async meet(device: string, takeKeys: () => BinaryNode[]): Promise<void> {
    if (this.#hasMet) return
    this.#hasMet = true
    const keys = takeKeys()
    const answer = node('iq', {}, [node('list', {}, [node('user', { jid: device }, keys)])])
    await parseAndInjectE2ESessions(answer, this.#signal)
  }

  /** A text for a device, encrypted, as the server hands it out. */
  async write(device: string, text: string): Promise<BinaryNode> {
    return node('message', { ...common(), from: this.jid, sender_lid: this.#lid }, [
      await this.#encrypted(device, { conversation: text }),
    ])
  }

  /** A text in a group, as the server hands it to one of the members' devices; the first brings the sender key along. */
  async writeInGroup(group: string, device: string, text: string): Promise<BinaryNode> {
    const data = encodeWAMessage({ conversation: text })
    const { ciphertext, senderKeyDistributionMessage } = await this.#signal.encryptGroupMessage({
      group,
      meId: this.jid,
      data,
    })
    const parts = [node('enc', { v: '2', type: 'skmsg' }, ciphertext)]
    if (!this.#groupsWithKey.has(group)) {
      this.#groupsWithKey.add(group)
      parts.unshift(
        await this.#encrypted(device, {
          senderKeyDistributionMessage: {
            groupId: group,
            axolotlSenderKeyDistributionMessage: senderKeyDistributionMessage,
          },
        }),
      )
    }
    return node(
      'message',
      {
        ...common(),
        from: group,
        participant: this.jid,
        participant_lid: this.#lid,
        addressing_mode: 'pn',
      },
      parts,
    )
  }

  /** Reads the first answer of a device; from then on what goes there is no longer that of a session's beginning. */
  async read(device: string, enc: BinaryNode): Promise<void> {
    const { type, content } = { type: enc.attrs.type, content: enc.content }
    if (this.#isAnswered || (type !== 'msg' && type !== 'pkmsg') || !(content instanceof Uint8Array)) return
    this.#isAnswered = true
    await this.#signal.decryptMessage({ jid: device, type, ciphertext: content })
  }

  async #encrypted(jid: string, message: proto.IMessage): Promise<BinaryNode> {
    const { type, ciphertext } = await this.#signal.encryptMessage({ jid, data: encodeWAMessage(message) })
    return node('enc', { v: '2', type }, ciphertext)
  }
}

function common() {
  return {
    id: randomBytes(10).toString('hex').toUpperCase(),
    type: 'text',
    t: timestamp(),
    notify: 'Correspondent',
  }
}
