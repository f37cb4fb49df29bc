import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Logger, useMultiFileAuthState } from 'baileys-authkit'
import { built } from '../built.ts'
import { stepOf } from './steps.ts'

const rounds = Number(process.env.AUTHKIT_ROUNDS ?? 50)
/** Most die young, with everything in the journal; some live on until files are written behind it, several times. */
const shortLifeMs = 60
const longLifeMs = 2_000
const filesAreBusyAfterMs = 600

const complaints: unknown[] = []
const complain = (_details: unknown, message?: string) => complaints.push(message)
const complainer: Logger = { debug: () => {}, info: () => {}, warn: complain, error: complain }
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authkit-crashes-'))
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

test(
  `killed ${rounds} times while it writes, a process on files leaves all that it acknowledged, and nothing by half`,
  async () => {
    let step = 0
    let total = 0
    for (let round = 1; round <= rounds; round++) {
      const acknowledged = await lifeOfWriter(step + 1, round % 4 === 0)
      await using auth = await useMultiFileAuthState(folder, { logger: complainer })
      const found = await stepOf(auth)
      expect(found).toBeGreaterThanOrEqual(acknowledged)
      step = found
      total += 1
    }
    expect(total).toBe(rounds)
    // Nobody else has touched the folder: no file may look as if.
    expect(complaints).toEqual([])
    // A writer that never gets to write would pass all of the above.
    expect(step).toBeGreaterThan(rounds)
  },
  rounds * 5_000,
)

/** Starts a writer, kills it at a random moment after its first acknowledgement; resolves with the last. */
async function lifeOfWriter(first: number, isLong: boolean): Promise<number> {
  const child: ChildProcess = spawn(
    process.execPath,
    [built('test/crashes/writer.ts'), folder, String(first)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const lifeMs = isLong
    ? filesAreBusyAfterMs + Math.random() * (longLifeMs - filesAreBusyAfterMs)
    : Math.random() * shortLifeMs
  let acknowledged = 0
  const closed = once(child, 'close')
  const lines = createInterface({ input: child.stdout ?? process.stdin })
  lines.on('line', line => {
    if (acknowledged === 0) setTimeout(() => child.kill('SIGKILL'), lifeMs)
    acknowledged = Math.max(acknowledged, Number(line))
  })
  await closed
  if (acknowledged === 0) throw new Error('the writer ended before it wrote anything')
  return acknowledged
}
