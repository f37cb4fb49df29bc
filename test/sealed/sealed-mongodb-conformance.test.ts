import * as baileys from '@whiskeysockets/baileys'
import { mongodbBackend } from '../adapters/mongodb-backend.ts'
import { authStateSuite, storeSuite } from '../suite/index.ts'
import { sealedBackend, sealingsOnServers } from './sealed-backend.ts'

const mongodb = await mongodbBackend()
// Each batch is made safe with real fsyncs.
for (const [name, ...turns] of sealingsOnServers) {
  const backend = sealedBackend(mongodb, name, ...turns)
  storeSuite({ test, backend })
  authStateSuite({ test, backend, baileys })
}
