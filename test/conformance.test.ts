import * as baileys from '@whiskeysockets/baileys'
import { authStateSuite, memoryBackend, storeSuite } from './suite/index.ts'

const backend = memoryBackend()

storeSuite({ test, backend })
authStateSuite({ test, backend, baileys })
