import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { folderScope, folderStore, multiFileStore } from '../../adapters/multi-file.ts'
import type { Store } from '../../src/store.ts'
import type { Backend } from '../suite/index.ts'

/** A folder for each session, under one root. */
export const manyFolders: Backend = filesBackend('multi-file', path => multiFileStore(path))

/** The same without fdatasync. */
export const manyRelaxedFolders: Backend = filesBackend('multi-file relaxed', path =>
  multiFileStore(path, { durability: 'relaxed' }),
)

/** One folder that is one session, as `useMultiFileAuthState` has it. */
export const oneFolder: Backend = filesBackend('one folder', path => folderStore(path), folderScope)

function filesBackend(name: string, make: (path: string) => Store, onlyScope?: string): Backend {
  return {
    name,
    ...(onlyScope === undefined ? {} : { onlyScope }),
    async create() {
      const path = await mkdtemp(join(tmpdir(), 'authkit-'))
      return {
        async open() {
          const store = make(path)
          await store.open()
          return store
        },
        drop: () => rm(path, { recursive: true, force: true }),
      }
    },
  }
}
