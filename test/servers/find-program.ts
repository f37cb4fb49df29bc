import { access, constants, readdir } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'

/**
 * The path of the first of these programs that can be run, on PATH or in one of the folders; `undefined` where there is
 * none. A folder may end in `*`: all that are there then count, the last by name first (`/usr/lib/postgresql/*`).
 */
export async function findProgram(
  names: readonly string[],
  folders: readonly string[] = [],
): Promise<string | undefined> {
  const onPath = (process.env.PATH ?? '').split(delimiter).filter(folder => folder !== '')
  const others = (await Promise.all(folders.map(expand))).flat()
  for (const name of names) {
    for (const folder of [...onPath, ...others]) {
      const path = join(folder, name)
      if (await canRun(path)) return path
    }
  }
  return undefined
}

async function expand(folder: string): Promise<string[]> {
  const [before = '', after] = folder.split('*')
  if (after === undefined) return [folder]
  const found = await readdir(dirname(`${before}x`)).catch(() => [])
  return found
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
    .map(name => join(dirname(`${before}x`), name, after))
}

async function canRun(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}
