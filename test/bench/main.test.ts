import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Report } from '../../bench/report.ts'
import { built } from '../built.ts'

function bench(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [built('bench/main.ts'), ...args], {
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

const records = [
  'creds',
  'paired creds',
  'session',
  'big session',
  'pre-key',
  'sender-key',
  'app-state-sync-key',
]

test('a quick run of codec prints a report as JSON, and nothing else', () => {
  const { status, stdout, stderr } = bench('--only', 'codec', '--quick', '--json')
  assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: '' })
  const report = JSON.parse(stdout) as Report // Its form is what is looked at below.
  assert.equal(report.quick, true)
  assert.equal(report.environment.node, process.versions.node)
  assert.equal(report.environment.baileys, '7.0.0-rc14')
  assert.equal(report.environment.baileys6, '6.7.24')
  assert.match(report.environment.packageVersion, /^\d+\.\d+\.\d+/)
  assert.ok(report.environment.cores > 0)
  assert.equal(typeof report.environment.cpu, 'string')
  assert.deepStrictEqual(
    report.groups.map(({ group }) => group),
    ['codec'],
  )
  const [{ races, goals } = assert.fail('no group')] = report.groups
  assert.deepStrictEqual(
    races.map(({ name }) => name),
    records.flatMap(record => [`encode ${record}`, `decode ${record}`]),
  )
  for (const { ratios, rounds, timings, details } of races) {
    assert.deepStrictEqual(Object.keys(ratios), ['Baileys 7', 'Baileys 6.7', 'plain JSON'])
    assert.deepStrictEqual(Object.keys(timings).sort(), ['Baileys 6.7', 'Baileys 7', 'ours', 'plain JSON'])
    for (const { p50Ns, p99Ns } of Object.values(timings)) assert.ok(p50Ns > 0 && p99Ns >= p50Ns)
    for (const [rival, ratio] of Object.entries(ratios)) {
      const sorted = [...(rounds[rival] ?? [])].sort((a, b) => a - b)
      assert.equal(sorted.length, 3)
      assert.equal(ratio, sorted[1])
    }
    assert.ok((details.verified ?? 0) >= 2 && (details.bytes ?? 0) > 0)
  }
  assert.deepStrictEqual(
    goals.map(({ name, atLeast }) => [name, atLeast]),
    ['creds', 'paired creds', 'session', 'pre-key'].flatMap(record => [
      [`encode ${record} against Baileys 7`, 2],
      [`decode ${record} against Baileys 7`, 3],
    ]),
  )
  for (const { found = Number.NaN, atLeast = Number.NaN, isMet } of goals)
    assert.equal(isMet, found >= atLeast)
})

describe('a run with a file for the JSON, and with --check', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'authkit-bench-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  test('prints a table and each goal, and exits by whether all are met', async () => {
    const file = join(folder, 'results.json')
    const { status, stdout, stderr } = bench('--only', 'codec', '--quick', '--json', file, '--check')
    const [{ goals, races } = assert.fail('no group')] = (JSON.parse(await readFile(file, 'utf8')) as Report)
      .groups // As it is looked at above.
    assert.equal(stderr, '')
    assert.equal(status, goals.every(({ isMet }) => isMet) ? 0 : 1)
    for (const { name } of races) assert.match(stdout, new RegExp(`^${name} .*\\d x`, 'm'))
    for (const { name, found = Number.NaN, isMet } of goals) {
      assert.ok(stdout.includes(`${isMet ? 'met   ' : 'MISSED'}  ${name}: ${found.toFixed(2)} x`))
    }
  })
})

test('--help says how to use it', () => {
  const { status, stdout, stderr } = bench('--help')
  assert.deepStrictEqual({ status, stderr }, { status: 0, stderr: '' })
  assert.match(stdout, /^Usage: npm run bench/)
  for (const option of ['--only', '--quick', '--check', '--json', '--chart', '--store', 'codec'])
    assert.ok(stdout.includes(option))
})

test.each([
  ['an unknown option', ['--fast']],
  ['an unknown group', ['--only', 'codecs']],
  ['a group that is missing', ['--only']],
  ['what is no option', ['codec']],
  ['a file without a name', ['--json=']],
  ['a picture without a name', ['--chart=']],
  ['a picture of what is not measured', ['--only', 'codec', '--chart', 'chart.svg']],
])('%s is refused with usage and exit code 2', (_name, args) => {
  const { status, stdout, stderr } = bench(...args)
  assert.deepStrictEqual({ status, stdout }, { status: 2, stdout: '' })
  assert.match(stderr, /^.+\n\nUsage: npm run bench/)
})
