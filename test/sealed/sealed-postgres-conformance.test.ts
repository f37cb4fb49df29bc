import * as baileys from '@whiskeysockets/baileys'
import { postgresBackend } from '../adapters/postgres-backend.ts'
import { authStateSuite, storeSuite } from '../suite/index.ts'
import { sealedBackend, sealingsOnServers } from './sealed-backend.ts'

const postgres = await postgresBackend()
// Each batch is made safe with real fsyncs.
for (const [name, ...turns] of sealingsOnServers) {
  const backend = sealedBackend(postgres, name, ...turns)
  storeSuite({ test, backend })
  authStateSuite({ test, backend, baileys })
}
