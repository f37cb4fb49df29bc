import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { repository } from '../../test/built.ts'

const folder = join(repository, 'bench/peers')
/** What the installed packages were installed by. */
const stamp = 'node_modules/.installed-by.json'

/** Installs the published auth states that ours are measured against, where that was not done yet. */
export async function installPeers(say: (text: string) => void): Promise<void> {
  const [wanted, installed] = await Promise.all([textOf('package-lock.json'), textOf(stamp)])
  if (wanted === installed) return
  say('installing the peers')
  const child = spawn('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    shell: process.platform === 'win32',
  })
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`npm ci in bench/peers failed. ${complaints}`)
  await writeFile(join(folder, stamp), wanted ?? '')
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(join(folder, path), 'utf8')
  } catch {
    return undefined // Not there.
  }
}
