import * as baileys from '@whiskeysockets/baileys'
import { redisClusterBackend } from '../adapters/redis-backend.ts'
import { authStateSuite, storeSuite } from '../suite/index.ts'
import { sealedBackend, sealingsOnServers } from './sealed-backend.ts'

const cluster = await redisClusterBackend()

for (const [name, ...turns] of sealingsOnServers) {
  const backend = sealedBackend(cluster, name, ...turns)
  storeSuite({ test, backend })
  authStateSuite({ test, backend, baileys })
}
