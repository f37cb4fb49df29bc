import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { VectorKey } from './independent-seal.ts'

/** One record, what sealed it, and what it was sealed to. */
export interface Vector {
  readonly what: string
  readonly keys: { readonly [id: string]: VectorKey }
  readonly hideNames: boolean
  readonly scope: string
  readonly name: string
  readonly text: string
  readonly nonce: string
  readonly storedName: string
  readonly sealed: string
  /** The session's `!seal` record. */
  readonly seal: string
}

const file = join(dirname(fileURLToPath(import.meta.url)), 'vectors.json')

/** Written once, by the first version: a change that fails them makes stored sessions unreadable. */
export const vectors: readonly Vector[] = JSON.parse(readFileSync(file, 'utf8'))
