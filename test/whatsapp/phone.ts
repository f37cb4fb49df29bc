import { randomBytes } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import {
  type AuthenticationCreds,
  addTransactionCapability,
  type BinaryNode,
  Curve,
  DEFAULT_CONNECTION_CONFIG,
  encodeWAMessage,
  hmacSign,
  initAuthCreds,
  proto,
  type SignalRepositoryWithLIDStore,
  WA_ADV_ACCOUNT_SIG_PREFIX,
  WA_ADV_DEVICE_SIG_PREFIX,
} from '@whiskeysockets/baileys'
import type { Account } from './account.ts'
import type { Device } from './device.ts'
import { KeyBundle } from './key-bundle.ts'
import { memoryAuthState } from './memory-auth-state.ts'
import { node, timestamp } from './node.ts'
import { collectingLogger } from './quiet-logger.ts'
import { isSignedBy } from './xeddsa.ts'

/** What a QR code says of the device that shows it. */
export interface ScannedCode {
  readonly ref: string
  readonly noiseKey: Buffer
  readonly identityKey: Buffer
  readonly advSecret: Buffer
}

/** Reads the text of a QR code, as either line of Baileys makes it. */
export function readQr(text: string): ScannedCode {
  const [ref = '', noise = '', identity = '', secret = ''] = text.slice(text.indexOf('#') + 1).split(',')
  const bytes = (base64: string): Buffer => Buffer.from(base64, 'base64')
  return { ref, noiseKey: bytes(noise), identityKey: bytes(identity), advSecret: bytes(secret) }
}

/** The phone of an account: it vouches for the devices that it links, and sends them what a phone sends first. */
export class Phone {
  readonly bundle: KeyBundle
  readonly #account: Account
  readonly #creds: AuthenticationCreds = initAuthCreds()
  /** What the phone encrypts and decrypts with. */
  readonly signal: SignalRepositoryWithLIDStore
  readonly #appStateKey: proto.Message.IAppStateSyncKey
  readonly #greeted: Set<Device> = new Set()

  constructor(account: Account) {
    const { registrationId, signedIdentityKey, signedPreKey } = this.#creds
    this.#account = account
    this.bundle = new KeyBundle(registrationId, signedIdentityKey.public, {
      id: signedPreKey.keyId,
      publicKey: signedPreKey.keyPair.public,
      signature: signedPreKey.signature,
    })
    this.signal = signalFor(this.#creds)
    this.#appStateKey = {
      keyId: { keyId: randomBytes(6) },
      keyData: {
        keyData: randomBytes(32),
        fingerprint: { rawId: 1, currentIndex: 0, deviceIndexes: [0] },
        timestamp: Date.now(),
      },
    }
  }

  /** The key by which the account signs its devices. */
  get identityKey(): Uint8Array {
    return this.#creds.signedIdentityKey.public
  }

  /** The secret that the phone shares with the owner of another identity key. */
  shareWith(identityKey: Uint8Array): Uint8Array {
    return Curve.sharedKey(this.#creds.signedIdentityKey.private, identityKey)
  }

  /** The signed identity that makes the device with this identity key one of the account's, sealed for its eyes. */
  vouch(
    identityKey: Uint8Array,
    keyIndex: number,
    advSecret: Uint8Array,
  ): { sealed: Uint8Array; details: Uint8Array } {
    const key = this.#creds.signedIdentityKey
    const details = proto.ADVDeviceIdentity.encode({
      rawId: this.#creds.registrationId,
      timestamp: Number(timestamp()),
      keyIndex,
    }).finish()
    const message = Buffer.concat([WA_ADV_ACCOUNT_SIG_PREFIX, details, identityKey])
    const signed = proto.ADVSignedDeviceIdentity.encode({
      details,
      accountSignatureKey: key.public,
      accountSignature: Curve.sign(key.private, message),
    }).finish()
    const hmac = hmacSign(signed, advSecret)
    return { sealed: proto.ADVSignedDeviceIdentityHMAC.encode({ details: signed, hmac }).finish(), details }
  }

  /** Whether the device signed what this phone vouched for. */
  confirms(answer: Uint8Array, identityKey: Uint8Array, details: Uint8Array): boolean {
    const { deviceSignature } = proto.ADVSignedDeviceIdentity.decode(answer)
    const accountKey = this.#creds.signedIdentityKey.public
    const message = Buffer.concat([WA_ADV_DEVICE_SIG_PREFIX, details, identityKey, accountKey])
    return isSignedBy(identityKey, message, deviceSignature ?? new Uint8Array(0))
  }

  /** What the phone sends a device that came online: the app-state key and a history, which Baileys waits 20 s for. */
  async *greet(device: Device): AsyncGenerator<BinaryNode> {
    const { Type } = proto.Message.ProtocolMessage
    if (!device.hasHistory) {
      const appStateSyncKeyShare = { keys: [this.#appStateKey] }
      yield await this.#message(device, { type: Type.APP_STATE_SYNC_KEY_SHARE, appStateSyncKeyShare })
    }
    // Of the kinds of history this is the one that Baileys 7 takes from the message itself and 6.7 skips; 6.7 would
    // download any other from WhatsApp's media hosts.
    const syncType = proto.HistorySync.HistorySyncType.INITIAL_STATUS_V3
    const history = proto.HistorySync.encode({ syncType, conversations: [], progress: 100 }).finish()
    yield await this.#message(device, {
      type: Type.HISTORY_SYNC_NOTIFICATION,
      historySyncNotification: {
        syncType,
        initialHistBootstrapInlinePayload: deflateSync(history),
        progress: 100,
      },
    })
  }

  async #message(device: Device, protocolMessage: proto.Message.IProtocolMessage): Promise<BinaryNode> {
    const jid = device.address('lid')
    if (!this.#greeted.has(device)) await this.#startSession(device)
    const data = encodeWAMessage({ protocolMessage })
    const { type, ciphertext } = await this.signal.encryptMessage({ jid, data })
    return node(
      'message',
      {
        id: randomBytes(10).toString('hex').toUpperCase(),
        from: this.#account.address('pn'),
        type: 'text',
        category: 'peer',
        t: timestamp(),
      },
      [node('enc', { v: '2', type }, ciphertext)],
    )
  }

  async #startSession(device: Device): Promise<void> {
    const { registrationId, identityKey, signedPreKey } = device.bundle
    // No one-time pre-key: the tests count those that other users take.
    const session = {
      registrationId,
      identityKey: signalKey(identityKey),
      signedPreKey: {
        keyId: signedPreKey.id,
        publicKey: signalKey(signedPreKey.publicKey),
        signature: signedPreKey.signature,
      },
    } as Parameters<SignalRepositoryWithLIDStore['injectE2ESession']>[0]['session'] // The type demands a preKey; libsignal does not.
    await this.signal.injectE2ESession({ jid: device.address('lid'), session })
    this.#greeted.add(device)
  }
}

function signalFor(creds: AuthenticationCreds): SignalRepositoryWithLIDStore {
  const logger = collectingLogger()
  const options = { maxCommitRetries: 1, delayBetweenTriesMs: 0 }
  const keys = addTransactionCapability(memoryAuthState().keys, logger, options)
  return DEFAULT_CONNECTION_CONFIG.makeSignalRepository({ creds, keys }, logger)
}

function signalKey(publicKey: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([5]), publicKey])
}
