import { mongodbServerStore } from '../stores/mongodb.ts'
import { crashLoopOnServer } from './crash-loop-on-server.ts'

crashLoopOnServer(mongodbServerStore)
