import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { RootCertificate } from './server-identity.ts'
import { type TrustingModule, trust } from './trust.ts'

// Makes an unchanged bot talk to a loopback server: `node --import ./dist/test/whatsapp/preload.js bot.js`, with
// AUTHKIT_WA_URL and AUTHKIT_WA_ROOT in the environment. It changes the Baileys modules that the bot would load, found
// from the bot's own folder and the working directory.
const { AUTHKIT_WA_URL: url, AUTHKIT_WA_ROOT: root } = process.env
if (!url || !root) throw new Error('preload.js needs AUTHKIT_WA_URL and AUTHKIT_WA_ROOT in the environment')

interface ConfigurableModule extends TrustingModule {
  readonly DEFAULT_CONNECTION_CONFIG: { waWebSocketUrl: string | URL }
}

const origins = [process.argv[1], join(process.cwd(), 'bot.js'), import.meta.filename].filter(
  path => path !== undefined,
)
const found = new Set<string>()
for (const name of ['@whiskeysockets/baileys', 'baileys', 'baileys-6']) {
  for (const origin of origins) {
    try {
      found.add(createRequire(origin).resolve(name))
    } catch {
      // Not installed there.
    }
  }
}
if (found.size === 0) throw new Error('preload.js found no Baileys')

for (const path of found) {
  const baileys = (await import(pathToFileURL(path).href)) as ConfigurableModule // Both lines export these.
  trust(baileys, { root: JSON.parse(root) as RootCertificate }) // Written by serverEnvironment.
  baileys.DEFAULT_CONNECTION_CONFIG.waWebSocketUrl = url
}
