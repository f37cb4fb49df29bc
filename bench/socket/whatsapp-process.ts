import { type BinaryNode, getBinaryNodeChild, getBinaryNodeChildren } from '@whiskeysockets/baileys'
import { WhatsAppServer } from '../../test/whatsapp/server.ts'
import type { RootCertificate } from '../../test/whatsapp/server-identity.ts'
import { answerParent, type Commands } from '../child/answer-parent.ts'
import { Correspondent } from './correspondent.ts'
import type { Phase } from './phases.ts'

/** How many messages lie before a bot: enough for it to find the next one always there. */
const window = 20
const groupSize = 100

/** What is to be delivered to one bot, and by whom. */
interface Post {
  readonly people: Map<string, Correspondent>
  stanzas: BinaryNode[]
}

/** What the process is asked. */
export interface WhatsAppCommands extends Commands {
  address(): { url: string; root: RootCertificate }
  /** A phone scans a bot's QR code; resolves with the device's address. */
  scan(qr: string): Promise<string>
  /** Resolves when a device has uploaded its pre-keys. */
  untilKeys(jid: string): Promise<void>
  /** Encrypts all that a phase brings a device; resolves with the addresses of those who write, or are written to. */
  write(jid: string, phase: Phase): Promise<string[]>
  /** Begins to deliver what was written, from one number up to another, each next message when one was answered for. */
  send(jid: string, from: number, to: number): void
  /** Forgets what a bot that is gone was to get. */
  forget(jid: string): void
}

/**
 * The loopback WhatsApp server in a process of its own, with all who write to the bots. What they write is encrypted
 * before the first of it is sent, so that a bot never waits for those who write to it.
 */
const server = await WhatsAppServer.start()
const posts = new Map<string, Post>()
let lastNumber = 15_550_000

const commands: WhatsAppCommands = {
  address: () => ({ url: server.url, root: server.root }),

  async scan(qr: string): Promise<string> {
    lastNumber += 1
    return server.scan(qr, String(lastNumber))
  },

  async untilKeys(jid: string): Promise<void> {
    while (server.preKeysLeft(jid) === 0) await new Promise(resolve => setTimeout(resolve, 10))
  },

  async write(jid: string, { name, kind, messages, peers }: Phase): Promise<string[]> {
    const post: Post = posts.get(jid) ?? { people: new Map(), stanzas: [] }
    posts.set(jid, post)
    post.stanzas = []
    const people = Array.from({ length: peers.count }, (_, index) =>
      personOf(post, String(10 * (peers.prefix + index)), peers.haveLids),
    )
    const addresses = people.map(person => person.jid)
    const group = kind === 'group' ? groupOf([jid, ...addresses], peers.prefix) : ''
    if (kind === 'outgoing') return addresses
    for (let number = 0; number < messages; number++) {
      const from = people[number % people.length]
      await from?.meet(jid, () => server.takeKeys(jid))
      const text = `${name} ${number}`
      const stanza = group ? from?.writeInGroup(group, jid, text) : from?.write(jid, text)
      if (stanza) post.stanzas.push(await stanza)
    }
    return addresses
  },

  send(jid: string, from: number, to: number): void {
    const stanzas = posts.get(jid)?.stanzas ?? []
    let next = from
    const more = () => {
      const isCurrent = posts.get(jid)?.stanzas === stanzas
      while (isCurrent && next < to && server.waiting(jid).length < window) {
        const stanza = stanzas[next]
        next += 1
        if (stanza) server.deliver(jid, stanza)
      }
      if (!isCurrent || next >= to) server.off('answered', more)
    }
    server.on('answered', more)
    more()
  },

  forget(jid: string): void {
    posts.delete(jid)
  },
}

answerParent(commands)

server.on('stanza', ({ from, stanza }) => {
  const people = posts.get(from)?.people
  const participants = getBinaryNodeChild(stanza, 'participants')
  const parts = participants ? getBinaryNodeChildren(participants, 'to') : [stanza]
  for (const part of parts) {
    const user = server.user(part.attrs[participants ? 'jid' : 'to'] ?? '').address('pn')
    const enc = getBinaryNodeChild(part, 'enc')
    if (enc) void people?.get(user)?.read(from, enc)
  }
})

function personOf(post: Post, number: string, hasLid: boolean): Correspondent {
  const account = server.user(number)
  account.tellsLid = hasLid
  const known = post.people.get(account.address('pn'))
  const person = known ?? new Correspondent(account)
  post.people.set(person.jid, person)
  return person
}

/** A group of these and of some who never say a word. */
function groupOf(members: readonly string[], prefix: number): string {
  const silent = Array.from({ length: groupSize - members.length }, (_, index) =>
    String(10 * (prefix + index) + 1),
  )
  return server.createGroup([...members, ...silent])
}
