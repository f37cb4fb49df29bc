import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { access, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { repository } from '../built.ts'
import { findProgram } from './find-program.ts'

const execute = promisify(execFile)
const sources = join(repository, 'test/servers/mongo-java-server')
const cache = join(repository, 'node_modules/.cache/baileys-authkit')
const launcher = join(sources, 'Launcher.java')
const pom = join(sources, 'pom.xml')
// Another source is another folder, so that nobody runs an old build.
const ready = join(cache, `mongo-java-server-${hashOf(pom, launcher)}`)
const longestBuildMs = 300_000

/** What Debian and Ubuntu call what it is built and run with. */
export const javaPackages: readonly string[] = ['default-jdk-headless', 'maven']

/** The `java` that can run it, once {@link buildJavaServer} has built it. */
export async function findJavaServer(): Promise<string | undefined> {
  const isBuilt = await access(ready).then(
    () => true,
    () => false,
  )
  return isBuilt ? findProgram(['java']) : undefined
}

/** Fetches its libraries from Maven's repository, or from where Maven keeps them, and compiles the launcher. */
export async function buildJavaServer(): Promise<void> {
  const [maven, compiler] = [await findProgram(['mvn']), await findProgram(['javac'])]
  if (!maven || !compiler) return
  const folder = `${ready}.${process.pid}`
  await mkdir(folder, { recursive: true })
  const libraries = join(folder, 'lib')
  await run(maven, ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${libraries}`])
  await run(compiler, ['-cp', join(libraries, '*'), '-d', join(folder, 'classes'), launcher])
  await rename(folder, ready).catch(async error => {
    await rm(folder, { recursive: true })
    // Another run was faster.
    if (!/^(ENOTEMPTY|EEXIST)$/.test(Object(error).code)) throw error
  })
}

/** The arguments of `java` that start it on a port and a file. */
export function javaServerArguments(port: number, file: string): readonly string[] {
  const path = [join(ready, 'classes'), join(ready, 'lib', '*')].join(':')
  return ['-Xmx1g', '-XX:+UseSerialGC', '-cp', path, 'Launcher', String(port), file]
}

function hashOf(...files: readonly string[]): string {
  const hash = createHash('sha256')
  for (const file of files) hash.update(readFileSync(file))
  return hash.digest('hex').slice(0, 12)
}

async function run(program: string, args: readonly string[]): Promise<void> {
  await execute(program, args, { timeout: longestBuildMs })
}
