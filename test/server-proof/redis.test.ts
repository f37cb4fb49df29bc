import { redisServerStore } from '../stores/redis.ts'
import { proveServer } from './prove-server.ts'

proveServer(redisServerStore)
