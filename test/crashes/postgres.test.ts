import { postgresServerStore } from '../stores/postgres.ts'
import { crashLoopOnServer } from './crash-loop-on-server.ts'

crashLoopOnServer(postgresServerStore)
