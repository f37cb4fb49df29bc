import type { BinaryNode } from '@whiskeysockets/baileys'

/**
 * What waits for one device: every stanza stays until the device has answered for it, and comes again at its next
 * login, in order.
 *
 * A message is answered by a receipt or by an `ack` of class message, whichever comes first, as on WhatsApp. Both
 * Baileys lines send the receipt after the decryption has been stored (7: after its key transaction committed; 6.7:
 * after libsignal awaited `keys.set`), and before `messages.upsert` reaches the bot. So a device killed before the
 * receipt gets the message again; if the kill fell between the store's commit and the receipt, Baileys finds the
 * ratchet already advanced ("Key used already or never filled"), refuses with ack error 487 and the text is gone.
 * No auth state can close that gap: the one who wants none lost has to count from what the bot was handed.
 */
export class Mailbox {
  readonly #stanzas: BinaryNode[] = []
  // Baileys 7 sends an ack with error 500 after each of its retry receipts. It speaks of the copy that the receipt
  // took away already; by then the sender's new copy may wait here under the same id.
  readonly #retried: Set<string> = new Set()

  /** What waits, oldest first. */
  get waiting(): readonly BinaryNode[] {
    return this.#stanzas
  }

  /** Keeps a stanza until it is answered. */
  add(stanza: BinaryNode): void {
    this.#stanzas.push(stanza)
  }

  /** The device sent a receipt for messages. A retry receipt answers too: from then on the sender owes a new copy. */
  receipt(ids: readonly string[], type: string | undefined): void {
    for (const id of ids) {
      if (type === 'retry') this.#retried.add(id)
      this.#remove(stanza => stanza.tag === 'message' && stanza.attrs.id === id)
    }
  }

  /** The device sent an `ack`. */
  ack(ack: BinaryNode): void {
    const { class: tag, id = '', to, participant, error } = ack.attrs
    if (tag === 'message' && error === '500' && this.#retried.delete(id)) return
    this.#remove(
      stanza =>
        stanza.tag === tag &&
        stanza.attrs.id === id &&
        // Receipts of several devices share the id of the message that they are for.
        (tag === 'message' || (stanza.attrs.from === to && stanza.attrs.participant === participant)),
    )
  }

  /** Forgets all. */
  clear(): void {
    this.#stanzas.length = 0
    this.#retried.clear()
  }

  #remove(matches: (stanza: BinaryNode) => boolean): void {
    const index = this.#stanzas.findIndex(matches)
    if (index >= 0) this.#stanzas.splice(index, 1)
  }
}
