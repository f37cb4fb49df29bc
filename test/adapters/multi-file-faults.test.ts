import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { forEachLimited } from '../../adapters/multi-file/file-system.ts'
import { folderScope, folderStore } from '../../adapters/multi-file.ts'
import type { Change, Store } from '../../src/store.ts'
import { type Fault, faultyFileSystem } from '../faults/faulty-file-system.ts'

// Minutes, on a machine that does much else: hundreds of claims of the dead are waited for.
const patienceMs = 900_000

// Crashes of a process, not of the machine: a file system in memory shows them as well, and sooner.
const temporary = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const seed = Number(process.env.AUTHKIT_SEED ?? Date.now() % 1_000_000)

type Records = Record<string, string>
interface Step {
  readonly changes: readonly Change[]
  /** The token after this step; a step that changes it takes over, or releases. */
  readonly fence?: string
}

test(
  'a process that dies, or whose disk fails, at any operation leaves each batch whole or not at all',
  async () => {
    const steps = script(seed)
    const clean = faultyFileSystem()
    await inFolder(folder => play(folder, steps, clean.fileSystem))
    await eachFault(clean.operations, (at, fault) => playOut(steps, at, fault))
  },
  patienceMs,
)

test(
  'a removal that dies, or fails, at any operation has removed all or nothing',
  async () => {
    const steps = script(seed).slice(0, 5)
    const clean = faultyFileSystem()
    await inFolder(async folder => {
      await play(folder, steps, nodeOnly())
      assert.ok(await remove(folder, clean.fileSystem, fenceAfter(steps)))
    })
    await eachFault(clean.operations, (at, fault) => removeOut(steps, at, fault))
  },
  patienceMs,
)

/** Several at once, since many of them wait a moment for a claim whose owner died. */
async function eachFault(
  operations: readonly string[],
  run: (at: number, fault: Fault) => Promise<void>,
): Promise<void> {
  const runs: [at: number, fault: Fault][] = []
  for (const [at, operation] of operations.entries()) {
    for (const fault of ['dies before', 'dies after', 'fails', 'fails after'] as const) runs.push([at, fault])
    if (operation === 'write') for (const fault of ['dies amid', 'is short'] as const) runs.push([at, fault])
  }
  await forEachLimited(runs, 12, ([at, fault]) => run(at, fault))
}

/** Removes on a breaking file system: then all is there, or nothing, and a session can be made anew. */
async function removeOut(steps: readonly Step[], at: number, fault: Fault): Promise<void> {
  const label = `seed ${seed}, operation ${at} of a removal ${fault}`
  await inFolder(async folder => {
    const { states } = await play(folder, steps, nodeOnly())
    const removed = await remove(folder, faultyFileSystem(at, fault).fileSystem, fenceAfter(steps))
    await withStore(folder, nodeOnly(), async store => {
      const found = await everything(store)
      if (removed || Object.keys(found).length === 0) assert.deepEqual(found, {}, label)
      else assert.deepEqual(found, { ...states.at(-1), '!fence': fenceAfter(steps) }, label)
      const [fence] = await store.read(folderScope, ['!fence'])
      const guards = [{ name: '!fence', value: fence }]
      assert.ok(await store.write(folderScope, [{ name: '!fence', value: 'new' }], guards), label)
      assert.deepEqual(await everything(store), { ...found, '!fence': 'new' }, label)
    })
  })
}

/** Plays the script on a breaking file system, then opens what it left: by reading it, and by taking it over. */
async function playOut(steps: readonly Step[], at: number, fault: Fault): Promise<void> {
  const label = `seed ${seed}, operation ${at} ${fault}`
  await inFolder(async folder => {
    const { states, resolved } = await play(folder, steps, faultyFileSystem(at, fault).fileSystem)
    const allowed = states.slice(resolved, resolved + 2)
    await withStore(folder, nodeOnly(), async store => {
      const seen = withoutFence(await everything(store))
      assertOneOf(seen, allowed, `${label}, read before the take-over`)
      const [fence] = await store.read(folderScope, ['!fence'])
      const taken = await store.write(
        folderScope,
        [{ name: '!fence', value: 'after' }],
        [{ name: '!fence', value: fence }],
      )
      assert.ok(taken, label)
      assert.deepEqual(withoutFence(await everything(store)), seen, `${label}, after the take-over`)
    })
    await withStore(folder, nodeOnly(), async store => {
      assertOneOf(withoutFence(await everything(store)), allowed, `${label}, opened again`)
    })
  })
}

/** `resolved` counts the steps that were acknowledged; `states[n]` is what the records are after n of them. */
async function play(
  folder: string,
  steps: readonly Step[],
  fileSystem: ReturnType<typeof nodeOnly>,
): Promise<{ states: Records[]; resolved: number }> {
  const states: Records[] = [{}]
  for (const { changes } of steps) states.push(after(states.at(-1) ?? {}, changes))
  const store = folderStore(folder, {}, fileSystem)
  let resolved = 0
  try {
    await store.open()
    let fence: string | undefined
    for (const step of steps) {
      const token: Change[] = step.fence === undefined ? [] : [{ name: '!fence', value: step.fence }]
      const landed = await store.write(
        folderScope,
        [...token, ...step.changes],
        [{ name: '!fence', value: fence }],
      )
      assert.ok(landed, `seed ${seed}: a guard that holds was refused`)
      resolved++
      fence = step.fence ?? fence
    }
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error
  } finally {
    await store.close().catch(() => {})
  }
  return { states, resolved }
}

async function remove(
  folder: string,
  fileSystem: ReturnType<typeof nodeOnly>,
  fence: string | undefined,
): Promise<boolean> {
  const store = folderStore(folder, {}, fileSystem)
  try {
    await store.open()
    return await store.remove(folderScope, [{ name: '!fence', value: fence }])
  } catch {
    return false
  } finally {
    await store.close().catch(() => {})
  }
}

function script(from: number): Step[] {
  const random = mulberry(from)
  const names = [
    'creds',
    'session/1.0',
    'session/2.0',
    'pre-key/1',
    'app-state-sync-key/AAAB',
    'app-state-sync-key/aaab',
    'session/a%2Fb',
    'unknown-type/1',
  ]
  const batch = (): Change[] => {
    const picked = names.filter(() => random() < 0.5)
    return (picked.length > 0 ? picked : ['creds']).map(name => ({
      name,
      value: name !== 'creds' && random() < 0.3 ? undefined : `${name} ${Math.floor(random() * 1e9)}`,
    }))
  }
  return [
    { changes: [], fence: 'first' },
    { changes: batch() },
    { changes: batch() },
    { changes: batch(), fence: 'second' },
    { changes: batch() },
    { changes: batch(), fence: 'released' },
    { changes: [], fence: 'third' },
    { changes: batch() },
    { changes: batch() },
  ]
}

function fenceAfter(steps: readonly Step[]): string | undefined {
  return steps.findLast(({ fence }) => fence !== undefined)?.fence
}

function after(records: Records, changes: readonly Change[]): Records {
  const next = { ...records }
  for (const { name, value } of changes) {
    if (value === undefined) delete next[name]
    else next[name] = value
  }
  return next
}

async function everything(store: Store): Promise<Records> {
  const found: Records = {}
  for await (const page of store.list(folderScope, { values: true })) {
    for (const { name, value } of page) if (value !== undefined) found[name] = value
  }
  const names = Object.keys(found)
  if (names.length === 0) return found
  const texts = await store.read(folderScope, names)
  assert.deepEqual(
    texts,
    names.map(name => found[name]),
    'list and read differ',
  )
  return found
}

function withoutFence({ '!fence': _fence, ...records }: Records): Records {
  return records
}

function assertOneOf(found: Records, allowed: readonly Records[], label: string): void {
  const sorted = (records: Records) => JSON.stringify(Object.entries(records).sort())
  if (allowed.some(records => sorted(records) === sorted(found))) return
  assert.deepEqual(found, allowed, label)
}

function nodeOnly() {
  return faultyFileSystem().fileSystem
}

async function withStore(
  folder: string,
  fileSystem: ReturnType<typeof nodeOnly>,
  use: (store: Store) => Promise<void>,
): Promise<void> {
  const store = folderStore(folder, {}, fileSystem)
  await store.open()
  try {
    await use(store)
  } finally {
    await store.close()
  }
}

async function inFolder(use: (folder: string) => Promise<unknown>): Promise<void> {
  const folder = await mkdtemp(join(temporary, 'authkit-'))
  try {
    await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function mulberry(from: number): () => number {
  let state = from >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
