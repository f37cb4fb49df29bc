import { sealed } from '../../src/stores/sealed.ts'
import { manyFolders, oneFolder } from '../adapters/files-backend.ts'
import { sqliteFile } from '../adapters/sqlite-backend.ts'
import { type Backend, memoryBackend } from '../suite/index.ts'

const memory = memoryBackend()
const key = Buffer.alloc(32, 'a key of thirty-two bytes')

/** Every store that there is, raw and sealed. */
export const everyBackend: readonly Backend[] = [
  memory,
  manyFolders,
  oneFolder,
  sqliteFile,
  ...[memory, manyFolders, sqliteFile].flatMap(backend => [
    sealedBackend(backend, false),
    sealedBackend(backend, true),
  ]),
]

function sealedBackend(backend: Backend, hideNames: boolean): Backend {
  return {
    name: `sealed ${backend.name}${hideNames ? ', names hidden' : ''}`,
    keepsOtherTexts: true,
    async create() {
      const data = await backend.create()
      return {
        async open() {
          const store = sealed(await data.open(), { keys: { k1: key }, hideNames })
          await store.open()
          return store
        },
        drop: () => data.drop(),
      }
    },
  }
}
