import * as baileys from '@whiskeysockets/baileys'
import { authStateSuite, storeSuite } from '../suite/index.ts'
import { postgresBackend } from './postgres-backend.ts'

const backend = await postgresBackend()
storeSuite({ test, backend })
authStateSuite({ test, backend, baileys })
