import { mongodbServerStore } from '../stores/mongodb.ts'
import { proveServer } from './prove-server.ts'

proveServer(mongodbServerStore, { turnsOfWrite: 2, outages: false })
