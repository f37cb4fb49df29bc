import type { RootCertificate } from './server-identity.ts'

/** The variables by which `preload.ts` is told of a server. */
export interface ServerEnvironment {
  readonly AUTHKIT_WA_URL: string
  readonly AUTHKIT_WA_ROOT: string
}

/** What goes into the environment of a bot that is started with `preload.ts`. */
export function serverEnvironment(server: {
  readonly url: string
  readonly root: RootCertificate
}): ServerEnvironment {
  return { AUTHKIT_WA_URL: server.url, AUTHKIT_WA_ROOT: JSON.stringify(server.root) }
}
