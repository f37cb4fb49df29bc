import {
  aesDecryptGCM,
  aesEncryptGCM,
  Curve,
  hkdf,
  type KeyPair,
  NOISE_MODE,
  NOISE_WA_HEADER,
  proto,
  sha256,
} from '@whiskeysockets/baileys'
import type { ServerIdentity } from './server-identity.ts'

/** What a handshake and the traffic after it lead to. */
export interface NoiseHandlers {
  /** Bytes to put on the wire as they are. */
  readonly send: (bytes: Uint8Array) => void
  /** The client proved that it holds the private half of `clientKey`. */
  readonly established: (payload: proto.ClientPayload, clientKey: Uint8Array) => void
  /** One decrypted frame, in order. */
  readonly frame: (plain: Buffer) => void
}

const EMPTY: Buffer = Buffer.alloc(0)

/** The answering side of WhatsApp's Noise XX handshake, and its transport afterwards. */
export class NoiseResponder {
  readonly #identity: ServerIdentity
  readonly #handlers: NoiseHandlers
  readonly #ephemeral: KeyPair = Curve.generateKeyPair()
  #phase: 'intro' | 'hello' | 'finish' | 'transport' = 'intro'
  #received: Buffer = EMPTY
  #hash: Buffer = Buffer.from(NOISE_MODE)
  #salt: Buffer = this.#hash
  #key: Buffer = this.#hash
  #counter = 0
  #transport: { readonly seal: Buffer; readonly open: Buffer; sealed: number; opened: number } | undefined

  constructor(identity: ServerIdentity, handlers: NoiseHandlers) {
    this.#identity = identity
    this.#handlers = handlers
  }

  /** Takes bytes as they come; throws when the client does not keep to the protocol. */
  receive(bytes: Uint8Array): void {
    this.#received = Buffer.concat([this.#received, bytes])
    if (this.#phase === 'intro' && !this.#takeIntro()) return
    for (let frame = this.#takeFrame(); frame; frame = this.#takeFrame()) this.#handle(frame)
  }

  /** Encrypts one frame and sends it; the handshake has to be over. */
  send(plain: Uint8Array): void {
    const transport = this.#transport
    if (!transport) throw new Error('a frame before the end of the handshake')
    this.#sendFrame(aesEncryptGCM(plain, transport.seal, nonce(transport.sealed++), EMPTY))
  }

  // A client that was given routing information puts it in front of the usual header on its next connection.
  #takeIntro(): boolean {
    const routed = this.#received.subarray(0, 2).toString() === 'ED'
    if (routed && this.#received.length < 7) return false
    const start = routed ? 7 + this.#received.readUIntBE(4, 3) : 0
    const end = start + NOISE_WA_HEADER.length
    if (this.#received.length < end) return false
    const header = this.#received.subarray(start, end)
    if (!header.equals(NOISE_WA_HEADER)) throw new Error(`unknown header ${header.toString('hex')}`)
    this.#received = this.#received.subarray(end)
    this.#authenticate(header)
    this.#phase = 'hello'
    return true
  }

  #takeFrame(): Buffer | undefined {
    if (this.#received.length < 3) return undefined
    const end = 3 + this.#received.readUIntBE(0, 3)
    if (this.#received.length < end) return undefined
    const frame = this.#received.subarray(3, end)
    this.#received = this.#received.subarray(end)
    return frame
  }

  #handle(frame: Buffer): void {
    if (this.#transport) {
      const { open } = this.#transport
      this.#handlers.frame(aesDecryptGCM(frame, open, nonce(this.#transport.opened++), EMPTY))
    } else if (this.#phase === 'hello') this.#answerHello(frame)
    else this.#finish(frame)
  }

  #answerHello(frame: Buffer): void {
    const clientEphemeral = required(proto.HandshakeMessage.decode(frame).clientHello?.ephemeral)
    this.#authenticate(clientEphemeral)
    this.#authenticate(this.#ephemeral.public)
    this.#mix(Curve.sharedKey(this.#ephemeral.private, clientEphemeral))
    const encryptedStatic = this.#encrypt(this.#identity.staticKey.public)
    this.#mix(Curve.sharedKey(this.#identity.staticKey.private, clientEphemeral))
    const payload = this.#encrypt(this.#identity.chain)
    const serverHello = { ephemeral: this.#ephemeral.public, static: encryptedStatic, payload }
    this.#phase = 'finish'
    this.#sendFrame(proto.HandshakeMessage.encode({ serverHello }).finish())
  }

  #finish(frame: Buffer): void {
    const finish = proto.HandshakeMessage.decode(frame).clientFinish
    const clientKey = this.#decrypt(required(finish?.static))
    this.#mix(Curve.sharedKey(this.#ephemeral.private, clientKey))
    const payload = proto.ClientPayload.decode(this.#decrypt(required(finish?.payload)))
    const [open, seal] = this.#derive(EMPTY)
    this.#transport = { open, seal, opened: 0, sealed: 0 }
    this.#phase = 'transport'
    this.#handlers.established(payload, clientKey)
  }

  #authenticate(bytes: Uint8Array): void {
    this.#hash = sha256(Buffer.concat([this.#hash, bytes]))
  }

  #derive(secret: Uint8Array): [Buffer, Buffer] {
    const bytes = Buffer.from(hkdf(Buffer.from(secret), 64, { salt: this.#salt, info: '' }))
    return [bytes.subarray(0, 32), bytes.subarray(32)]
  }

  #mix(secret: Uint8Array): void {
    const [salt, key] = this.#derive(secret)
    this.#salt = salt
    this.#key = key
    this.#counter = 0
  }

  #encrypt(plain: Uint8Array): Buffer {
    const sealed = aesEncryptGCM(plain, this.#key, nonce(this.#counter++), this.#hash)
    this.#authenticate(sealed)
    return sealed
  }

  #decrypt(sealed: Uint8Array): Buffer {
    const plain = aesDecryptGCM(sealed, this.#key, nonce(this.#counter++), this.#hash)
    this.#authenticate(sealed)
    return plain
  }

  #sendFrame(bytes: Uint8Array): void {
    const length = Buffer.alloc(3)
    length.writeUIntBE(bytes.length, 0, 3)
    this.#handlers.send(Buffer.concat([length, bytes]))
  }
}

function nonce(counter: number): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt32BE(counter, 8)
  return bytes
}

function required(bytes: Uint8Array | null | undefined): Uint8Array {
  if (!bytes?.length) throw new Error('a part of the handshake is missing')
  return bytes
}
