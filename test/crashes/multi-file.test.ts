import { join } from 'node:path'
import { crashLoop } from './crash-loop.ts'

crashLoop('files', folder => ({ url: `file:${join(folder, 'auth')}`, session: 'crashes' }))
