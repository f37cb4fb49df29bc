import * as baileys from '@whiskeysockets/baileys'
import { authStateSuite, storeSuite } from '../suite/index.ts'
import { manyFolders, manyRelaxedFolders, oneFolder } from './files-backend.ts'

// Every scope of "a thousand scopes" is a folder, made safe with real fsyncs.
const patientTest = (name: string, run: () => Promise<void>) => test(name, run, 30_000)

for (const backend of [manyFolders, manyRelaxedFolders, oneFolder]) {
  storeSuite({ test: patientTest, backend })
  authStateSuite({ test: patientTest, backend, baileys })
}
