import { join } from 'node:path'
import { crashLoop } from './crash-loop.ts'

crashLoop('SQLite', folder => ({ url: `sqlite:${join(folder, 'bots.db')}`, session: 'crashes' }))
