import { storeSuite } from './suite/index.ts'
import { memoryBackend } from './suite/memory-backend.ts'

storeSuite({ test, backend: memoryBackend() })
