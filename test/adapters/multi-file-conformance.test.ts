import * as baileys from '@whiskeysockets/baileys'
import { authStateSuite, storeSuite } from '../suite/index.ts'
import { manyFolders, manyRelaxedFolders, oneFolder } from './files-backend.ts'

// Every scope of "a thousand scopes" is a folder, made safe with real fsyncs.
for (const backend of [manyFolders, manyRelaxedFolders, oneFolder]) {
  storeSuite({ test, backend })
  authStateSuite({ test, backend, baileys })
}
