import assert from 'node:assert/strict'
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto'
import { headerOf, openText, sealText } from '../src/stores/sealed/sealed-text.ts'
import type { Group } from './group.ts'
import { ours, runRaces, type Schedule } from './race.ts'

const textBytes = 1_500
const records = 100
const scope = 'shop-1'
const name = 'session/5511999999999.0'

/** What sealing a record costs, beside the bare cipher. */
export const sealed: Group = {
  name: 'sealed',
  about: 'sealing and opening a record of 1.5 kB, against bare AES-256-GCM and base64',
  run: async ({ quick, progress }) => {
    const schedule: Schedule = quick ? { rounds: 3, timeMs: 10 } : { rounds: 11, timeMs: 100 }
    const key = createSecretKey(randomBytes(32))
    const header = headerOf('k1', '', false)
    const text = JSON.stringify(
      randomBytes(textBytes)
        .toString('base64')
        .slice(0, textBytes - 2),
    )
    const seal = () => sealText(header, key, scope, name, text)
    const open = (sealedText: string) => openText(header, key, scope, name, sealedText)
    const ownSealed = seal()
    const bareSealed = bareSeal(key, text)
    assert.equal(open(ownSealed), text, 'What was sealed does not open.')
    assert.equal(bareOpen(key, bareSealed), text, 'What the bare cipher wrote does not open.')
    const details = { bytes: textBytes }
    const races = await runRaces(
      [
        {
          name: 'seal 1.5 kB',
          details,
          operations: records,
          contenders: {
            [ours]: repeated(seal),
            'bare cipher': repeated(() => bareSeal(key, text)),
          },
        },
        {
          name: 'open 1.5 kB',
          details,
          operations: records,
          contenders: {
            [ours]: repeated(() => open(ownSealed)),
            'bare cipher': repeated(() => bareOpen(key, bareSealed)),
          },
        },
      ],
      schedule,
      progress,
    )
    return { group: 'sealed', races, goals: [] }
  },
}

/** Takes results, so that no engine finds out that they aren't needed. */
export let sink: unknown

function repeated(run: () => unknown): () => void {
  return () => {
    for (let count = 0; count < records; count++) sink = run()
  }
}

function bareSeal(key: ReturnType<typeof createSecretKey>, text: string): string {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const body = cipher.update(text, 'utf8')
  cipher.final()
  return Buffer.concat([nonce, body, cipher.getAuthTag()]).toString('base64')
}

function bareOpen(key: ReturnType<typeof createSecretKey>, encoded: string): string {
  const bytes = Buffer.from(encoded, 'base64')
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
  decipher.setAuthTag(bytes.subarray(-16))
  const text = decipher.update(bytes.subarray(12, -16))
  decipher.final()
  return text.toString('utf8')
}
