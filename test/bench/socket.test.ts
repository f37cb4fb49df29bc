import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { Child } from '../../bench/child/child.ts'
import { Servers } from '../../bench/servers.ts'
import { contenders, fullName } from '../../bench/socket/contenders.ts'
import type { Phase } from '../../bench/socket/phases.ts'
import { runContender, type Stage } from '../../bench/socket/run-contender.ts'
import type { WhatsAppCommands } from '../../bench/socket/whatsapp-process.ts'
import { sharedServer } from '../servers/shared-server.ts'

process.env.REDIS_URL = (await sharedServer('redis')).url

const strangers = { prefix: 5_551_000, count: 5, haveLids: false }
const friends = { prefix: 5_552_000, count: 5, haveLids: true }
const limitMs = 30_000
const phases: Phase[] = [
  { name: 'incoming', kind: 'incoming', messages: 40, peers: strangers, limitMs },
  { name: 'first contact', kind: 'incoming', messages: 5, peers: friends, limitMs },
  { name: 'replies', kind: 'outgoing', messages: 5, peers: friends, limitMs },
  { name: 'known peers', kind: 'incoming', messages: 40, peers: friends, limitMs },
  { name: 'group', kind: 'group', messages: 20, peers: friends, limitMs },
  { name: 'outgoing', kind: 'outgoing', messages: 20, peers: friends, limitMs },
]

let stage: Stage
let whatsapp: Child<WhatsAppCommands>
let servers: Servers

beforeAll(() => {
  whatsapp = Child.start('bench/socket/whatsapp-process.ts')
  servers = new Servers()
  stage = { whatsapp, servers, folder: tmpdir(), phases }
})
afterAll(async () => {
  await whatsapp.kill()
  await servers[Symbol.asyncDispose]()
})

test.each([
  // How it counts: by the store's calls, by what goes over the wire, by the bound's own writes.
  ['ours on SQLite', 1],
  ['ours on Redis', 1],
  ['bound on files', 1],
  ['Map', 0],
])('%s: a message of one who has written before costs so many round trips: %d', async (name, trips) => {
  const contender = contenders.find(each => fullName(each) === name) ?? assert.fail(name)
  const compares = contender.role === 'ours'
  const run = await runContender(contender, stage, { compares })
  assert.equal(run.error, undefined)
  assert.deepEqual(
    Object.keys(run.phases),
    phases.map(phase => phase.name),
  )
  for (const { name: phase, kind, messages } of phases) {
    const result = run.phases[phase] ?? assert.fail(phase)
    // What comes in is measured from the first message to the last.
    assert.equal(result.messages, kind === 'outgoing' ? messages : messages - 1)
    assert.ok(result.messagesPerSecond > 0 && result.cpuMs > 0)
    if (phase === 'first contact' || phase === 'replies') continue
    // Two that are on their way at once are one; a heartbeat may come in between, or what Baileys saves when idle.
    const later = result.laterRoundTrips ?? assert.fail(phase)
    assert.ok(later >= trips * 0.5 && later <= trips * 1.5, `${phase}: ${later}`)
  }
  if (!compares) return
  const { compared, lost, changed, undeleted, isIdentityKept } = run.comparison ?? assert.fail('not compared')
  assert.ok(compared > 800)
  assert.deepEqual(Object.keys({ ...lost, ...changed, ...undeleted }), [])
  assert.ok(isIdentityKept)
})
