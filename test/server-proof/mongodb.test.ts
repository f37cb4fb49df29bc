import { mongodbServerStore } from '../stores/mongodb.ts'
import { proveServer } from './prove-server.ts'

proveServer(mongodbServerStore, { driverPollsEveryMs: 500 })
