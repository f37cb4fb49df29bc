import * as baileys from '@whiskeysockets/baileys'
import { authStateSuite, storeSuite } from '../suite/index.ts'
import { postgresBackend } from './postgres-backend.ts'

// The whole of what a store must do, on a table in partitions, through a pooler that gives every statement another
// connection, and through the other driver.
const shapes = [
  await postgresBackend({ partitions: 4 }),
  await postgresBackend({ server: 'pgbouncer' }),
  await postgresBackend({ driver: 'postgres.js' }),
  await postgresBackend({ driver: 'postgres.js', server: 'pgbouncer' }),
]
for (const backend of shapes) storeSuite({ test, backend })

const [, bouncer] = shapes
if (bouncer) authStateSuite({ test, backend: bouncer, baileys })
