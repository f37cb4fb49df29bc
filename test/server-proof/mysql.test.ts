import { mysqlServerStore } from '../stores/mysql.ts'
import { proveServer } from './prove-server.ts'

proveServer(mysqlServerStore)
