import * as baileys from '@whiskeysockets/baileys'
import { sqliteFile } from '../adapters/sqlite-backend.ts'
import { authStateSuite, storeSuite } from '../suite/index.ts'
import { sealedBackend, sealingsOnDisk } from './sealed-backend.ts'

// Each batch is made safe with real fsyncs.
for (const [name, ...turns] of sealingsOnDisk) {
  const backend = sealedBackend(sqliteFile, name, ...turns)
  storeSuite({ test, backend })
  authStateSuite({ test, backend, baileys })
}
