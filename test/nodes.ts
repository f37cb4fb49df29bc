import { spawnSync } from 'node:child_process'
import { repository } from './built.ts'

/** Runs a smoke set of the tests on the other releases of Node that are supported. */
const releases = ['22', '24']
const smoke = [
  'test/conformance\\.test',
  'test/conformance-baileys-limits',
  'test/buffer-json',
  'test/baileys',
  'test/engine',
  'test/end-to-end/embedded',
  'test/adapters/sqlite-(?!better)',
  'test/cacheable',
  'test/sealed/(?!sealed)',
  'test/adapters/(postgres-cost|mysql-clients|redis-clients|mongodb-outcomes)',
]

for (const release of releases) {
  const node = [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
  ]
  const { status } = spawnSync('npx', ['-y', '-p', `node@${release}`, 'node', ...node, ...smoke], {
    cwd: repository,
    stdio: 'inherit',
  })
  if (status !== 0) {
    process.stderr.write(`The tests fail on Node ${release}.\n`)
    process.exit(1)
  }
}
