import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Logger } from 'baileys-authkit'
import { type BotStore, openerOf } from '../bot/bot-store.ts'
import { built } from '../built.ts'
import { hotOf, stepOf } from './steps.ts'

const rounds = Number(process.env.AUTHKIT_ROUNDS ?? 50)
/** Most die young; every fifth writes as many records as Baileys mints, then one again and again, and dies of age. */
const shortLifeMs = 60

/** How a crash loop differs from one on files. */
export interface CrashLoopOptions {
  /** How long the long lives last, from and to. @default as long as files take to be written behind a journal */
  readonly longLivesMs?: readonly [number, number]
  /** Deletes what the processes wrote, where it is not in the folder. */
  readonly erase?: (store: BotStore) => Promise<void>
}

/** Declares a test that kills a writing process again and again, and looks each time at what it left in its store. */
export function crashLoop(
  name: string,
  storeIn: (folder: string) => BotStore | Promise<BotStore>,
  { longLivesMs = [700, 2_200], erase }: CrashLoopOptions = {},
): void {
  test(
    `killed ${rounds} times while it writes, a process on ${name} leaves all that it acknowledged, and nothing by half`,
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'authkit-crashes-'))
      const store = await storeIn(folder)
      const complaints: unknown[] = []
      const opener = await openerOf(store, { logger: complainer(complaints) })
      let step = 0
      let hot = 0
      for (let round = 1; round <= rounds; round++) {
        const isLong = round % 5 === 0
        const acknowledged = await lifeOfWriter(
          store,
          (isLong ? hot : step) + 1,
          isLong ? longLivesMs : undefined,
        )
        await using auth = await opener.open()
        const found = { step: await stepOf(auth), hot: await hotOf(auth) }
        expect(isLong ? found.hot : found.step).toBeGreaterThanOrEqual(acknowledged)
        expect(isLong ? found.step : found.hot).toBe(isLong ? step : hot)
        step = found.step
        hot = found.hot
      }
      // Nobody else has touched the data: nothing may look as if.
      expect(complaints).toEqual([])
      // A writer that never gets to write would pass all of the above.
      expect(step).toBeGreaterThan(rounds)
      await opener.close()
      await erase?.(store)
      await rm(folder, { recursive: true, force: true })
    },
    rounds * 6_000,
  )
}

/** Starts a writer, kills it at a random moment after its first acknowledgement; resolves with the last. */
async function lifeOfWriter(
  store: BotStore,
  first: number,
  longLifeMs?: readonly [number, number],
): Promise<number> {
  const child: ChildProcess = spawn(
    process.execPath,
    [built('test/crashes/writer.ts'), JSON.stringify(store), String(first), longLifeMs ? 'hot' : 'steps'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const [shortestMs, longestMs] = longLifeMs ?? [0, shortLifeMs]
  const lifeMs = shortestMs + Math.random() * (longestMs - shortestMs)
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

function complainer(complaints: unknown[]): Logger {
  const complain = (_details: unknown, message?: string) => complaints.push(message)
  return { debug: () => {}, info: () => {}, warn: complain, error: complain }
}
