import * as baileys from '@whiskeysockets/baileys'
import { redisBackend } from '../adapters/redis-backend.ts'
import { authStateSuite, storeSuite } from '../suite/index.ts'
import { sealedBackend, sealingsOnServers } from './sealed-backend.ts'

const redis = await redisBackend()
// Each batch is made safe with a real fsync.
const patientTest = (name: string, run: () => Promise<void>) => test(name, run, 60_000)

for (const [name, ...turns] of sealingsOnServers) {
  const backend = sealedBackend(redis, name, ...turns)
  storeSuite({ test: patientTest, backend })
  authStateSuite({ test: patientTest, backend, baileys })
}
