import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { crashLoop } from './crash-loop.ts'

const sealKey = randomBytes(32).toString('base64')

crashLoop('sealed files', folder => ({
  url: `file:${join(folder, 'sessions')}`,
  session: 'crashes',
  sealKey,
}))
