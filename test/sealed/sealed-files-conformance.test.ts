import * as baileys from '@whiskeysockets/baileys'
import { manyFolders } from '../adapters/files-backend.ts'
import { authStateSuite, storeSuite } from '../suite/index.ts'
import { sealedBackend, sealingsOnDisk } from './sealed-backend.ts'

// Every scope of "six hundred scopes" is a folder, made safe with real fsyncs.
for (const [name, ...turns] of sealingsOnDisk) {
  const backend = sealedBackend(manyFolders, name, ...turns)
  storeSuite({ test, backend })
  authStateSuite({ test, backend, baileys })
}
