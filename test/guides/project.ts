import { cp, mkdir, mkdtemp, readFile, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { repository } from '../built.ts'
import type { BaileysLine } from '../whatsapp/bots.ts'

/** A folder as npm would lay it out for somebody's bot: Baileys of one line, and this package. */
export interface Project extends AsyncDisposable {
  readonly folder: string
}

/** Lays out a new project; more installed packages of this repository are at hand in it under `packages`. */
export async function makeProject(line: BaileysLine, packages: readonly string[] = []): Promise<Project> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'authkit-project-')))
  const link = async (installed: string, name: string): Promise<void> => {
    const place = join(folder, 'node_modules', name)
    await mkdir(dirname(place), { recursive: true })
    await symlink(join(repository, 'node_modules', installed), place)
  }
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'bot', private: true, type: 'module' }),
  )
  await link(line === '7' ? '@whiskeysockets/baileys' : 'baileys-6', '@whiskeysockets/baileys')
  // A copy, since from behind a link it would find this repository's Baileys, not the project's.
  const { files, dependencies } = await manifest()
  for (const pattern of ['package.json', ...files]) {
    const [path = '', ending] = pattern.split('/**/*')
    const isAsked = async (source: string) =>
      ending === undefined || source.endsWith(ending) || (await stat(source)).isDirectory()
    await cp(join(repository, path), join(folder, 'node_modules/baileys-authkit', path), {
      recursive: true,
      filter: isAsked,
    })
  }
  // What Baileys depends on lies beside it.
  for (const name of ['@hapi/boom', ...Object.keys(dependencies), ...packages]) await link(name, name)
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

async function manifest(): Promise<{ readonly files: readonly string[]; readonly dependencies: object }> {
  return JSON.parse(await readFile(join(repository, 'package.json'), 'utf8'))
}
