import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { repository } from '../built.ts'
import { findProgram } from './find-program.ts'

const folder = join(repository, 'node_modules/.cache/baileys-authkit/mongod')
const foundFile = join(folder, 'path')
const longestMs = 60_000

// A process of its own: a download that hangs can be ended, and nothing of it outlives the attempt.
const download = `
import { MongoBinary } from 'mongodb-memory-server-core'
process.stdout.write(await MongoBinary.getPath({ version: '8.0.13', downloadDir: process.argv[1] }))
`

/** The path of MongoDB's server as {@link downloadMongod} left it, if it did. */
export async function downloadedMongod(): Promise<string | undefined> {
  const path = await readFile(foundFile, 'utf8').catch(() => undefined)
  return path === undefined ? undefined : findProgram([path], ['/'])
}

/** Downloads MongoDB's server from its maker. @throws Error where the network does not reach there, or takes too long */
export async function downloadMongod(): Promise<void> {
  await mkdir(folder, { recursive: true })
  const args = ['--input-type=module', '-e', download, folder]
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: repository,
    timeout: longestMs,
    killSignal: 'SIGKILL',
  })
  await writeFile(foundFile, stdout)
}
