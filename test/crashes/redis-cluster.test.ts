import { redisClusterServerStore } from '../stores/redis-cluster.ts'
import { crashLoopOnServer } from './crash-loop-on-server.ts'

crashLoopOnServer(redisClusterServerStore)
