import * as baileys from '@whiskeysockets/baileys'
import { authStateSuite, storeSuite } from '../suite/index.ts'
import { mysqlBackend } from './mysql-backend.ts'

storeSuite({ test, backend: mysqlBackend })
authStateSuite({ test, backend: mysqlBackend, baileys })
