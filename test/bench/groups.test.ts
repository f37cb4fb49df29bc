import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Report } from '../../bench/report.ts'
import { built } from '../built.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authkit-groups-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** A quick run of one group on SQLite alone, in the folder. */
async function quickRun(group: string): Promise<Report['groups'][number]> {
  const args = ['--only', group, '--quick', '--store', `sqlite:${folder}`, '--json']
  const { status, stdout, stderr } = spawnSync(process.execPath, [built('bench/main.ts'), ...args], {
    encoding: 'utf8',
  })
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' })
  assert.equal((await readdir(folder)).join(), '', 'it leaves something behind')
  const report = JSON.parse(stdout) as Report // Its form is what is looked at by those who call.
  const [found = assert.fail('no group')] = report.groups
  assert.equal(found.group, group)
  for (const { name, found: figure, atLeast, atMost, isMet } of found.goals) {
    assert.ok(figure !== undefined && figure > (atMost === 0 ? -1 : 0), `${name}: ${figure}`)
    assert.equal(isMet, atLeast === undefined ? figure <= (atMost ?? Number.NaN) : figure >= atLeast)
  }
  for (const { name, ratios } of found.races)
    for (const ratio of Object.values(ratios)) assert.ok(ratio > 0, name)
  return found
}

test('operations are measured against the bare driver, and openings of two sizes', async () => {
  const { races, goals } = await quickRun('operations')
  assert.deepEqual(
    races.map(({ name }) => name),
    [
      'SQLite: set of 1',
      'SQLite: set of 812',
      'SQLite: get of 1, not cached',
      'SQLite: get of 100, not cached',
      'SQLite: get of 1 that is absent, not cached',
      'SQLite: open a session of 1,000 records',
      'SQLite: open a session of 10,000 records',
    ],
  )
  assert.deepEqual(
    goals.map(({ atMost }) => atMost),
    [1.3, 1.3, 1.5],
  )
})

test('a session is measured among few and many others, and what an idle one costs', async () => {
  const { races, goals } = await quickRun('scale')
  assert.equal(races.length, 6)
  for (const { base, ratios } of races)
    assert.deepEqual([base, ...Object.keys(ratios)], ['among 10', 'among 1,000'])
  const idle = goals.filter(({ name }) => !name.includes('among'))
  assert.deepEqual(
    idle.map(({ name, isMet }) => [name, isMet]),
    [
      ['SQLite, an idle open session beside its cache', true],
      ['SQLite, calls of the store a period, of all sessions', true],
    ],
  )
})

test('many bots in one process get their messages, and ten of them share commits', async () => {
  const { details } = await quickRun('many')
  const found = details as { bots: number; result: { messages: number; batches: number; flushes: number } }[]
  assert.deepEqual(
    found.map(({ bots, result }) => [bots, result.messages]),
    [
      [1, 100],
      [10, 100],
    ],
  )
  const [alone = Number.NaN, together = Number.NaN] = found.map(
    ({ result }) => result.flushes / result.batches,
  )
  assert.ok(alone > 0.9 && together < alone, `${together} commits a batch against ${alone}`)
})

test('cached reads and crowds of readers are measured', async () => {
  const { races, goals } = await quickRun('cache')
  assert.deepEqual(
    races.map(({ ratios }) => Object.keys(ratios)),
    [['Map and decode'], ['Baileys']],
  )
  assert.equal(goals.length, 2)
})

test('no module of the package loads a package that it does not need', async () => {
  const { goals, tables } = await quickRun('start-up')
  assert.equal(goals.find(({ name }) => name.startsWith('packages'))?.found, 0)
  for (const [name, , packages] of tables?.[0]?.rows ?? []) assert.equal(packages, 'lru-cache', name)
})
