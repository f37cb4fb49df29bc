import type { RootCertificate } from './server-identity.ts'

/** The part of a Baileys module that says whom it trusts; 6.7.24 has the serial only. */
export interface TrustingModule {
  readonly WA_CERT_DETAILS: { SERIAL: number; ISSUER?: string; PUBLIC_KEY?: Uint8Array }
}

/**
 * Makes every later socket of this Baileys module accept the server. It changes the module's own exported object,
 * in this process alone: sockets to the real WhatsApp would be refused from then on.
 */
export function trust(baileys: TrustingModule, server: { readonly root: RootCertificate }): void {
  const details = baileys.WA_CERT_DETAILS
  details.SERIAL = server.root.serial
  if (details.ISSUER !== undefined) details.ISSUER = server.root.issuer
  if (details.PUBLIC_KEY !== undefined) details.PUBLIC_KEY = Buffer.from(server.root.publicKey, 'hex')
}
