import { writeSync } from 'node:fs'
import { useMultiFileAuthState } from 'baileys-authkit'
import { burstOf, changesOfStep } from './steps.ts'

/**
 * Writes step after step to a folder, several at once, and says each one's number as soon as it was acknowledged;
 * runs until it is killed. Arguments: the folder, the number of the first step, and whether as many records as
 * Baileys mints pre-keys come before it.
 */
const [folder = '', first = '1', beginsWithBurst = 'false'] = process.argv.slice(2)
const auth = await useMultiFileAuthState(folder, { logger: false })
const stepsAtOnce = 3
let next = Number(first)

if (beginsWithBurst === 'true') await auth.state.keys.set(burstOf(next))

async function writeSteps(): Promise<void> {
  for (;;) {
    const step = next
    next += 1
    auth.state.creds.nextPreKeyId = step
    // Baileys saves creds inside the transaction whose keys they belong to; both must land as one.
    const landed = Promise.all([auth.state.keys.set(changesOfStep(step)), auth.saveCreds()])
    await landed
    writeSync(1, `${step}\n`)
  }
}

await Promise.all(Array.from({ length: stepsAtOnce }, writeSteps))
