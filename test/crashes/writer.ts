import { writeSync } from 'node:fs'
import { type BotStore, openerOf } from '../bot/bot-store.ts'
import { burstOf, changesOfStep, hotRecord } from './steps.ts'

/**
 * Writes, and says each change's number as soon as it was acknowledged; runs until it is killed. Arguments: the store as
 * JSON, the first number, and what to write: `steps`, several at once, or, after as many records as Baileys mints
 * pre-keys, the one record that is `hot`.
 */
const [storeText = '', first = '1', kind = ''] = process.argv.slice(2)
const store: BotStore = JSON.parse(storeText)
const opener = await openerOf(store, { logger: false })
const auth = await opener.open()
const stepsAtOnce = 3
let next = Number(first)

/** At once: the next line of the program may be the last. A parent that is behind with reading is waited for. */
function acknowledge(number: number): void {
  for (;;) {
    try {
      writeSync(1, `${number}\n`)
      return
    } catch (error) {
      if (Object(error).code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
}

async function writeSteps(): Promise<void> {
  for (;;) {
    const step = next
    next += 1
    auth.state.creds.nextPreKeyId = step
    // Baileys saves creds inside the transaction whose keys they belong to; both must land as one.
    const landed = Promise.all([auth.state.keys.set(changesOfStep(step)), auth.saveCreds()])
    await landed
    acknowledge(step)
  }
}

async function writeHotRecord(): Promise<void> {
  await auth.state.keys.set(burstOf(next))
  for (;;) {
    await auth.state.keys.set(hotRecord(next))
    acknowledge(next)
    next += 1
  }
}

if (kind === 'hot') await writeHotRecord()
else await Promise.all(Array.from({ length: stepsAtOnce }, writeSteps))
