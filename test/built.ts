import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of package.json. */
export const repository: string = above(dirname(fileURLToPath(import.meta.url)))

/** The built JavaScript of a source file, for a process of its own: `test/bot/bot-process.ts` for example. */
export function built(source: string): string {
  return join(repository, 'dist', source.replace(/\.ts$/, '.js'))
}

function above(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : above(dirname(folder))
}
