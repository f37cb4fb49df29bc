import { mysqlServerStore } from '../stores/mysql.ts'
import { crashLoopOnServer } from './crash-loop-on-server.ts'

crashLoopOnServer(mysqlServerStore)
