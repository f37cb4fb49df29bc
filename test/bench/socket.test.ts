import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { Child } from '../../bench/child/child.ts'
import { Servers } from '../../bench/servers.ts'
import { type Contender, contenders, fullName, reference } from '../../bench/socket/contenders.ts'
import { runHeat, type Stage } from '../../bench/socket/heat.ts'
import type { Phase } from '../../bench/socket/phases.ts'
import type { WhatsAppCommands } from '../../bench/socket/whatsapp-process.ts'
import { sharedServer } from '../servers/shared-server.ts'

process.env.REDIS_URL = (await sharedServer('redis')).url

const strangers = { prefix: 5_551_000, count: 5, haveLids: false }
const friends = { prefix: 5_552_000, count: 5, haveLids: true }
const phases: Phase[] = [
  { name: 'incoming', kind: 'incoming', messages: 40, peers: strangers, slices: 2 },
  { name: 'first contact', kind: 'incoming', messages: 5, peers: friends, slices: 1 },
  { name: 'replies', kind: 'outgoing', messages: 5, peers: friends, slices: 1 },
  { name: 'known peers', kind: 'incoming', messages: 40, peers: friends, slices: 2 },
  { name: 'group', kind: 'group', messages: 20, peers: friends, slices: 2 },
  { name: 'outgoing', kind: 'outgoing', messages: 20, peers: friends, slices: 2 },
]

let stage: Stage
let whatsapp: Child<WhatsAppCommands>
let servers: Servers

beforeAll(() => {
  whatsapp = Child.start('bench/socket/whatsapp-process.ts')
  servers = new Servers()
  stage = { whatsapp, servers, folder: tmpdir(), phases, limitMs: 30_000, lookMs: 60_000 }
})
afterAll(async () => {
  await whatsapp.kill()
  await servers[Symbol.asyncDispose]()
})

test('bots on several auth states take turns, and a message of one who has written before is one round trip', async () => {
  // How each counts: by the store's calls, by what goes over the wire, by the bound's own writes; the Map has none.
  const trips = { 'ours on SQLite': 1, 'ours on Redis': 1, 'bound on files': 1, Map: 0 }
  const entrants = contenders.filter(contender => fullName(contender) in trips)
  const runs = await runHeat(entrants, stage)
  assert.deepEqual(runs.map(({ contender }) => fullName(contender)).sort(), Object.keys(trips).sort())
  for (const { contender, slices, error, comparison } of runs) {
    const name = fullName(contender)
    assert.equal(error, undefined, name)
    assert.deepEqual(
      Object.keys(slices),
      phases.map(phase => phase.name),
    )
    const expected = trips[name as keyof typeof trips]
    for (const { name: phase, kind, messages, slices: count } of phases) {
      const found = slices[phase] ?? []
      assert.equal(found.length, count, `${name}, ${phase}`)
      for (const slice of found) {
        // What comes in is measured from the first message to the last.
        assert.equal(slice.messages, messages / count - (kind === 'outgoing' ? 0 : 1))
        assert.ok(slice.messagesPerSecond > 0 && slice.cpuMs > 0)
      }
      if (phase === 'first contact' || phase === 'replies') continue
      // Two that are on their way at once are one; a heartbeat may come in between, or what Baileys saves when idle.
      const later = found.at(-1)?.roundTrips ?? assert.fail(phase)
      assert.ok(later >= expected * 0.5 && later <= expected * 1.5, `${name}, ${phase}: ${later}`)
    }
    if (contender.role !== 'ours') continue
    const { compared, lost, changed, undeleted, isIdentityKept } = comparison ?? assert.fail('not compared')
    assert.ok(compared > 800)
    assert.deepEqual(Object.keys({ ...lost, ...changed, ...undeleted }), [])
    assert.ok(isIdentityKept)
  }
})

test('a contender that fails is told of, and the others go on', async () => {
  const broken: Contender = { name: 'broken', backend: 'files', role: 'peer', opener: ['bounds', 'none'] }
  const few = { ...stage, phases: phases.slice(0, 1) }
  const [failed, map] = await runHeat([broken, reference], few)
  assert.match(failed?.error ?? '', /bounds has no none/)
  assert.equal(map?.error, undefined)
  assert.equal(map?.slices.incoming?.length, 2)
})
