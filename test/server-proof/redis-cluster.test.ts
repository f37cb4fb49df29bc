import { redisClusterServerStore } from '../stores/redis-cluster.ts'
import { proveServer } from './prove-server.ts'

proveServer(redisClusterServerStore)
