import { randomBytes, randomInt } from 'node:crypto'
import {
  type AuthenticationCreds,
  BufferJSON,
  Curve,
  DEFAULT_CONNECTION_CONFIG,
  generateSignalPubKey,
  initAuthCreds,
  proto,
  type SignalDataSet,
  type SignalKeyStoreWithTransaction,
  type SignalRepositoryWithLIDStore,
} from '@whiskeysockets/baileys'
import { quietLibsignal } from '../test/whatsapp/quiet-libsignal.ts'
import { collectingLogger } from '../test/whatsapp/quiet-logger.ts'

/** Values as Baileys hands them to a store, several of each kind, no two of them alike. */
export interface CodecRecords {
  /** A new identity. */
  readonly creds: readonly unknown[]
  /** That of a bot that was paired, has synced its history, and was started again since. */
  readonly 'paired creds': readonly unknown[]
  /** A peer's session after a few messages: about 1 kB. */
  readonly session: readonly unknown[]
  /** One that was set up anew time and again, with messages of each still to come: about 30 kB. */
  readonly 'big session': readonly unknown[]
  readonly 'pre-key': readonly unknown[]
  readonly 'sender-key': readonly unknown[]
  readonly 'app-state-sync-key': readonly unknown[]
}

/** Makes `count` records of each kind, sessions and sender keys by libsignal itself. */
export async function codecRecords(count: number): Promise<CodecRecords> {
  quietLibsignal()
  const few = Math.max(2, count / 8)
  return {
    creds: repeat(count, initAuthCreds),
    'paired creds': repeat(count, () => stored(pairedCreds())),
    session: await inTurn(count, () => session({ times: 1, missing: 1 })),
    'big session': await inTurn(few, () => session({ times: 20, missing: 6 })),
    'pre-key': repeat(count, Curve.generateKeyPair),
    'sender-key': await inTurn(count, senderKey),
    'app-state-sync-key': repeat(count, syncKey),
  }
}

function pairedCreds(): AuthenticationCreds {
  const user = phoneNumber()
  return {
    ...initAuthCreds(),
    me: { id: `${user}:7@s.whatsapp.net`, name: 'A bot', lid: `${phoneNumber()}:7@lid` },
    account: proto.ADVSignedDeviceIdentity.fromObject({
      details: randomBytes(20),
      accountSignatureKey: randomBytes(32),
      accountSignature: randomBytes(64),
      deviceSignature: randomBytes(64),
    }),
    signalIdentities: [
      { identifier: { name: `${user}:7@s.whatsapp.net`, deviceId: 0 }, identifierKey: randomBytes(33) },
    ],
    platform: 'android',
    routingInfo: randomBytes(4),
    accountSyncCounter: 1,
    lastAccountSyncTimestamp: 1_760_000_000 + randomInt(1e6),
    myAppStateKeyId: randomBytes(6).toString('base64'),
    lastPropHash: randomBytes(4).toString('base64'),
    nextPreKeyId: 813,
    firstUnuploadedPreKeyId: 813,
    processedHistoryMessages: repeat(8, () => ({
      key: {
        remoteJid: `${user}@s.whatsapp.net`,
        fromMe: true,
        id: `3EB0${randomBytes(9).toString('hex').toUpperCase()}`,
      },
      messageTimestamp: 1_760_000_000 + randomInt(1e6),
    })),
  }
}

/** As it is when it was stored and read: its protobuf messages are plain objects from then on. */
function stored(creds: AuthenticationCreds): unknown {
  return JSON.parse(JSON.stringify(creds, BufferJSON.replacer), BufferJSON.reviver)
}

function syncKey(): proto.Message.IAppStateSyncKeyData {
  return proto.Message.AppStateSyncKeyData.fromObject({
    keyData: randomBytes(32),
    fingerprint: { rawId: randomInt(2 ** 31), currentIndex: 1, deviceIndexes: [0, 1] },
    timestamp: 1_760_000_000_000 + randomInt(1e9),
  })
}

/** One side of a conversation, and what Baileys has stored of it. */
interface Party {
  readonly jid: string
  readonly creds: AuthenticationCreds
  readonly records: Map<string, unknown>
  readonly repository: SignalRepositoryWithLIDStore
}

function party(): Party {
  const creds = initAuthCreds()
  const records = new Map<string, unknown>()
  const keys: SignalKeyStoreWithTransaction = {
    // What comes back for a type is what was stored for it.
    get: async (type, ids) =>
      Object.fromEntries(ids.map(id => [id, records.get(`${type}/${id}`)])) as Awaited<
        ReturnType<typeof keys.get<typeof type>>
      >,
    set: async (data: SignalDataSet) => {
      for (const [type, values] of Object.entries(data))
        for (const [id, value] of Object.entries(values ?? {})) records.set(`${type}/${id}`, value)
    },
    isInTransaction: () => false,
    transaction: work => work(),
  }
  const repository = DEFAULT_CONNECTION_CONFIG.makeSignalRepository({ creds, keys }, collectingLogger())
  return { jid: `${phoneNumber()}@s.whatsapp.net`, creds, records, repository }
}

/** The session of a peer that was set up `times` times, with `missing` messages on their way in each. */
async function session({ times, missing }: { times: number; missing: number }): Promise<unknown> {
  const [bot, peer] = [party(), party()]
  for (let time = 0; time < times; time++) {
    await setUp(bot, peer, time)
    await send(bot, peer)
    await send(peer, bot)
    await send(bot, peer)
    for (let count = 0; count < missing; count++) await peer.repository.encryptMessage(messageTo(bot))
    await send(peer, bot)
  }
  peer.repository.close?.()
  return storedBy(bot, 'session')
}

async function setUp(bot: Party, peer: Party, time: number): Promise<void> {
  const { signedIdentityKey, signedPreKey, registrationId } = peer.creds
  const preKey = Curve.generateKeyPair()
  peer.records.set(`pre-key/${time}`, preKey)
  await bot.repository.injectE2ESession({
    jid: peer.jid,
    session: {
      registrationId,
      identityKey: generateSignalPubKey(signedIdentityKey.public),
      signedPreKey: {
        keyId: signedPreKey.keyId,
        publicKey: generateSignalPubKey(signedPreKey.keyPair.public),
        signature: signedPreKey.signature,
      },
      preKey: { keyId: time, publicKey: generateSignalPubKey(preKey.public) },
    },
  })
}

async function send(from: Party, to: Party): Promise<void> {
  const { type, ciphertext } = await from.repository.encryptMessage(messageTo(to))
  await to.repository.decryptMessage({ jid: from.jid, type, ciphertext })
}

function messageTo({ jid }: Party): { jid: string; data: Uint8Array } {
  return { jid, data: Buffer.from('a message') }
}

async function senderKey(): Promise<unknown> {
  const member = party()
  const group = `1203630${randomInt(1e9)}@g.us`
  await member.repository.encryptGroupMessage({ group, meId: member.jid, data: Buffer.from('a message') })
  return storedBy(member, 'sender-key')
}

function storedBy({ records, repository }: Party, type: string): unknown {
  repository.close?.()
  const name = [...records.keys()].find(key => key.startsWith(`${type}/`))
  if (name === undefined) throw new Error(`Baileys stored no ${type}.`)
  return records.get(name)
}

function phoneNumber(): string {
  return `1555${randomInt(1e7, 1e8)}`
}

function repeat<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, () => make())
}

async function inTurn<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const made: T[] = []
  for (let index = 0; index < count; index++) made.push(await make())
  return made
}
