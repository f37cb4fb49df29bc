import { redisServerStore } from '../stores/redis.ts'
import { crashLoopOnServer } from './crash-loop-on-server.ts'

crashLoopOnServer(redisServerStore)
