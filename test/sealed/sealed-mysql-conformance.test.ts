import * as baileys from '@whiskeysockets/baileys'
import { mysqlBackend } from '../adapters/mysql-backend.ts'
import { authStateSuite, storeSuite } from '../suite/index.ts'
import { sealedBackend, sealingsOnServers } from './sealed-backend.ts'

// Each batch is made safe with real fsyncs.
for (const [name, ...turns] of sealingsOnServers) {
  const backend = sealedBackend(mysqlBackend, name, ...turns)
  storeSuite({ test, backend })
  authStateSuite({ test, backend, baileys })
}
