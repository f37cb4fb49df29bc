import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as baileys from '@whiskeysockets/baileys'
import { folderScope, folderStore, type MultiFileStore, multiFileStore } from '../adapters/multi-file.ts'
import { authStateSuite, type Backend, storeSuite, type TestFunction } from './suite/index.ts'

const manySessions = filesBackend('multi-file', root => multiFileStore(root))
const oneSession = { ...filesBackend('folder', folder => folderStore(folder)), onlyScope: folderScope }

/** A disk that others use too may take its time for thousands of files. */
const patient: TestFunction = (name, run) => test(name, run, 60_000)

for (const backend of [manySessions, oneSession]) {
  storeSuite({ test: patient, backend })
  authStateSuite({ test: patient, backend, baileys })
}

function filesBackend(name: string, storeOn: (path: string) => MultiFileStore): Backend {
  return {
    name,
    async create() {
      const root = await mkdtemp(join(tmpdir(), 'authkit-conformance-'))
      return {
        async open() {
          const store = storeOn(join(root, 'auth'))
          await store.open()
          return store
        },
        drop: () => rm(root, { recursive: true }),
      }
    },
  }
}
