export default {
  testEnvironment: 'node',
  // Two, also where there are two cores: alone, one process would keep every file's copy of Baileys.
  maxWorkers: 2,
  workerIdleMemoryLimit: '600MB',
  // They start the database servers that tests ask for, once for all test files, and end them.
  globalSetup: '<rootDir>/dist/test/servers/jest-set-up.js',
  globalTeardown: '<rootDir>/dist/test/servers/jest-tear-down.js',
  // On two cores beside five servers a test of seconds may take a minute; one that hangs fails all the same.
  testTimeout: 120_000,
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' } },
    ],
  },
}
