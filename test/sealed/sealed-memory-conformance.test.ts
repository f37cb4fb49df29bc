import * as baileys from '@whiskeysockets/baileys'
import { authStateSuite, memoryBackend, storeSuite } from '../suite/index.ts'
import { sealedBackend, sealings } from './sealed-backend.ts'

// The first derivation of a passphrase takes its time beside other tests.
for (const [name, ...turns] of sealings) {
  const backend = sealedBackend(memoryBackend(), name, ...turns)
  storeSuite({ test, backend })
  authStateSuite({ test, backend, baileys })
}
