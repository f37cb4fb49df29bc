import * as baileys from '@whiskeysockets/baileys'
import { authStateSuite, storeSuite } from '../suite/index.ts'
import { mongodbBackend } from './mongodb-backend.ts'

const backend = await mongodbBackend()
storeSuite({ test, backend })
authStateSuite({ test, backend, baileys })
