import { postgresServerStore } from '../stores/postgres.ts'
import { proveServer } from './prove-server.ts'

proveServer(postgresServerStore)
