import * as baileys from '@whiskeysockets/baileys'
import { authStateSuite, storeSuite } from '../suite/index.ts'
import { redisBackend } from './redis-backend.ts'

const backend = await redisBackend()

storeSuite({ test, backend })
authStateSuite({ test, backend, baileys })
