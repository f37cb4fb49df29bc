import * as baileys from '@whiskeysockets/baileys'
import { authStateSuite, storeSuite } from '../suite/index.ts'
import {
  sqliteDatabases,
  sqliteFile,
  sqliteMemory,
  sqliteRelaxedFile,
  sqliteSharedFile,
} from './sqlite-backend.ts'

for (const backend of [sqliteFile, sqliteRelaxedFile, sqliteSharedFile, sqliteDatabases, sqliteMemory]) {
  storeSuite({ test, backend })
  authStateSuite({ test, backend, baileys })
}
