import * as baileys from '@whiskeysockets/baileys'
import { authStateSuite, storeSuite } from '../suite/index.ts'
import { redisClusterBackend } from './redis-backend.ts'

const backend = await redisClusterBackend()

storeSuite({ test, backend })
authStateSuite({ test, backend, baileys })
