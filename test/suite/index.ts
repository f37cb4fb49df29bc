export type { Backend, BackendData, TestFunction } from './backend.ts'
export { type StoreSuiteOptions, storeSuite } from './store-suite.ts'
