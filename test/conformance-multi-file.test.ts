import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as baileys from '@whiskeysockets/baileys'
import { folderScope, folderStore, type MultiFileStore, multiFileStore } from '../adapters/multi-file.ts'
import { authStateSuite, type Backend, storeSuite, type TestFunction } from './suite/index.ts'

/** A disk that others use too may take its time for thousands of files. */
const patient: TestFunction = (name, run) => test(name, run, 60_000)

const manySessions = filesBackend('multi-file', root => multiFileStore(root))
const manyRelaxed = filesBackend('multi-file (relaxed)', root =>
  multiFileStore(root, { durability: 'relaxed' }),
)
const oneSession = { ...filesBackend('folder', folder => folderStore(folder)), onlyScope: folderScope }

storeSuite({ test: patient, backend: manySessions })
storeSuite({ test: patient, backend: oneSession })
authStateSuite({ test: patient, backend: manyRelaxed, baileys })
authStateSuite({ test: patient, backend: oneSession, baileys })

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
