import { rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { repository } from '../built.ts'

/**
 * Joins what was compiled to the few files that are published: Node takes longer to find and load a hundred small
 * modules than they take to run. What several entries have in common lies in files of its own, so that it is there once.
 */
async function bundle(): Promise<void> {
  const manifest = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8'))
  const targets: unknown[] = Object.values(manifest.exports)
  const published = targets.map(target => Object(target).default).filter(path => typeof path === 'string')
  const folder = join(repository, 'dist/package')
  rmSync(folder, { recursive: true, force: true })
  await build({
    entryPoints: published.map(path => join(repository, path.replace('./dist/package/', 'dist/'))),
    outdir: folder,
    outbase: join(repository, 'dist'),
    chunkNames: 'shared/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    // What a stack trace names is what stands in the sources.
    minify: false,
    logLevel: 'warning',
  })
}

await bundle()
