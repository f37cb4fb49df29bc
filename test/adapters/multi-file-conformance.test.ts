import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as baileys from '@whiskeysockets/baileys'
import { folderScope, folderStore, multiFileStore } from '../../adapters/multi-file.ts'
import type { Store } from '../../src/store.ts'
import { authStateSuite, type Backend, storeSuite } from '../suite/index.ts'

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

// Every scope of "a thousand scopes" is a folder, made safe with real fsyncs.
const patientTest = (name: string, run: () => Promise<void>) => test(name, run, 30_000)

for (const backend of [
  filesBackend('multi-file', path => multiFileStore(path)),
  filesBackend('multi-file relaxed', path => multiFileStore(path, { durability: 'relaxed' })),
  filesBackend('one folder', path => folderStore(path), folderScope),
]) {
  storeSuite({ test: patientTest, backend })
  authStateSuite({ test: patientTest, backend, baileys })
}
