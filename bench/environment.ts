import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { repository } from '../test/built.ts'

/** What a result depends on beside the code that it measures. */
export interface Environment {
  readonly node: string
  readonly packageVersion: string
  /** Short; ends in `+` where files differ from it; `undefined` outside a repository. */
  readonly commit: string | undefined
  readonly baileys: string
  readonly baileys6: string
  readonly cpu: string
  readonly cores: number
  readonly platform: string
}

/** Finds out where a benchmark runs. */
export function environment(): Environment {
  const processors = cpus()
  return {
    node: process.versions.node,
    packageVersion: versionIn('.'),
    commit: commit(),
    baileys: versionIn('node_modules/@whiskeysockets/baileys'),
    baileys6: versionIn('node_modules/baileys-6'),
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    platform: `${process.platform} ${process.arch}`,
  }
}

function versionIn(folder: string): string {
  // A package.json has a version.
  const { version } = JSON.parse(readFileSync(join(repository, folder, 'package.json'), 'utf8')) as {
    version: string
  }
  return version
}

function commit(): string | undefined {
  const git = (...args: string[]) =>
    execFileSync('git', args, {
      cwd: repository,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') ? '+' : '')
  } catch {
    return undefined // Installed without git or its history.
  }
}
