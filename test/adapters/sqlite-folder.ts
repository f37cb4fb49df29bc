import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sqliteStore } from '../../adapters/sqlite.ts'
import type { AuthStateError } from '../../src/errors.ts'
import type { Store } from '../../src/store.ts'
import { built } from '../built.ts'

/** A folder for a test; deleted by the function that comes with it. */
export async function temporaryFolder(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'authkit-sqlite-'))
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

/** A store on a path or database, open. */
export async function openStore(...parameters: Parameters<typeof sqliteStore>): Promise<Store> {
  const store = sqliteStore(...parameters)
  await store.open()
  return store
}

/** What `work` fails with; that it does is asserted. */
export async function failure(work: Promise<unknown>): Promise<AuthStateError> {
  try {
    await work
  } catch (error) {
    // Whatever else it may be fails the assertion on its code.
    return error as AuthStateError
  }
  throw new assert.AssertionError({ message: 'it did not fail' })
}

/** Runs a built child in a namespace of its own, where nobody needs to be root to mount something. */
export async function inNamespace(mount: string, child: string, folder: string): Promise<void> {
  const script = `${mount} && exec "$2" "$3" "$1"`
  const file = built(`test/adapters/children/${child}.ts`)
  const parameters = ['--user', '--map-root-user', '--mount', 'sh', '-c', script, 'sh', folder]
  await promisify(execFile)('unshare', [...parameters, process.execPath, file])
}
