import * as baileys from '@whiskeysockets/baileys'
import { authStateSuite, memoryBackend, storeSuite } from '../suite/index.ts'
import { sealedBackend, sealings } from './sealed-backend.ts'

// The first derivation of a passphrase takes its time beside other tests.
const patientTest = (name: string, run: () => Promise<void>) => test(name, run, 30_000)

for (const [name, ...turns] of sealings) {
  const backend = sealedBackend(memoryBackend(), name, ...turns)
  storeSuite({ test: patientTest, backend })
  authStateSuite({ test: patientTest, backend, baileys })
}
