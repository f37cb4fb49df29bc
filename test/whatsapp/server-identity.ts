import { Curve, type KeyPair, proto } from '@whiskeysockets/baileys'

/** What a client has to trust, in the words of Baileys' `WA_CERT_DETAILS`; the key in hex, so that it goes through an environment variable. */
export interface RootCertificate {
  readonly serial: number
  readonly issuer: string
  readonly publicKey: string
}

/** The server's static Noise key, and the chain that vouches for it under a root of its own. */
export interface ServerIdentity {
  readonly root: RootCertificate
  readonly staticKey: KeyPair
  readonly chain: Uint8Array
}

// Baileys 6.7 checks nothing but this number, and its exported WA_CERT_DETAILS holds nothing else. Baileys 7.0.0-rc14
// means to check the signatures too, but its check is true for every signature of the right length. The real root's
// serial is also ours, so a socket of either line connects before it is told to trust us; a later 7 may not.
const ROOT_SERIAL = 0

/** Makes a new root, an intermediate and a leaf, as WhatsApp's chain has them. */
export function makeServerIdentity(): ServerIdentity {
  const issuer = 'LoopbackLongTerm1'
  const root = Curve.generateKeyPair()
  const intermediate = Curve.generateKeyPair()
  const staticKey = Curve.generateKeyPair()
  const chain = proto.CertChain.encode({
    intermediate: certify(root, { serial: 1, issuerSerial: ROOT_SERIAL, key: intermediate.public }),
    leaf: certify(intermediate, { serial: 2, issuerSerial: 1, key: staticKey.public }),
  }).finish()
  return {
    root: { serial: ROOT_SERIAL, issuer, publicKey: Buffer.from(root.public).toString('hex') },
    staticKey,
    chain,
  }
}

function certify(
  issuer: KeyPair,
  subject: proto.CertChain.NoiseCertificate.IDetails,
): proto.CertChain.INoiseCertificate {
  const details = proto.CertChain.NoiseCertificate.Details.encode(subject).finish()
  return { details, signature: Curve.sign(issuer.private, details) }
}
