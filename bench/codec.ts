import assert from 'node:assert/strict'
import { BufferJSON as theirs7 } from '@whiskeysockets/baileys'
import { BufferJSON as theirs6 } from 'baileys-6'
import { decode, encode } from '../src/buffer-json.ts'
import { type CodecRecords, codecRecords } from './codec-records.ts'
import { type Group, goalOf } from './group.ts'
import { ours, type RaceSpec, runRaces, type Schedule } from './race.ts'

/** Something that writes values as text and reads them. */
export interface Codec {
  encode(value: unknown): string
  decode(text: string): unknown
}

const rivals = { 'Baileys 7': codecOf(theirs7), 'Baileys 6.7': codecOf(theirs6) }

/** No rival, since it keeps no bytes: what the engine needs for JSON alone, as near as one can come to nothing. */
const limits = { 'plain JSON': { encode: JSON.stringify, decode: JSON.parse } satisfies Codec }

/** `encode` and `decode` against JSON with Baileys' replacer and reviver, on the records that Baileys stores. */
export const codec: Group = {
  name: 'codec',
  about: "encode and decode of real records, against JSON with Baileys' replacer and reviver",
  run: async ({ quick, progress }) => {
    progress('making records', 0)
    const records = await codecRecords(quick ? 4 : 32)
    const schedule: Schedule = quick ? { rounds: 3, timeMs: 10 } : { rounds: 11, timeMs: 100 }
    const races = await runRaces(
      Object.entries(records).flatMap(([name, values]) =>
        specsOf(name, values, { encode, decode }, rivals, limits),
      ),
      schedule,
      progress,
    )
    return {
      group: 'codec',
      races,
      goals: goalRecords.flatMap(record => [
        goalOf(races, `encode ${record}`, 'Baileys 7', 2),
        goalOf(races, `decode ${record}`, 'Baileys 7', 3),
      ]),
    }
  },
}

const goalRecords: readonly (keyof CodecRecords)[] = ['creds', 'paired creds', 'session', 'pre-key']

/**
 * The races for one kind of record. Throws, before anything can be measured, where one of the rivals writes another text
 * than we, or reads another value from it.
 */
export function specsOf(
  name: string,
  values: readonly unknown[],
  own: Codec,
  others: { readonly [rival: string]: Codec },
  unverified: { readonly [limit: string]: Codec } = {},
): RaceSpec[] {
  const texts = values.map(value => own.encode(value))
  for (const [rival, other] of Object.entries(others)) {
    for (const [at, value] of values.entries()) {
      const text = texts[at] ?? ''
      assert.equal(text, other.encode(value), `The text of ${name} is not that of ${rival}.`)
      assert.deepStrictEqual(
        own.decode(text),
        other.decode(text),
        `What is read of the text of ${name} is not what ${rival} reads.`,
      )
    }
  }
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  const details = { verified: values.length, bytes: Math.round(bytes / values.length) }
  const contenders = (run: (codec: Codec) => () => void) =>
    Object.fromEntries(
      Object.entries({ [ours]: own, ...others, ...unverified }).map(([key, codec]) => [key, run(codec)]),
    )
  return [
    {
      name: `encode ${name}`,
      details,
      operations: values.length,
      contenders: contenders(codec => () => {
        // Looking at it makes the engine put a text together that it has only in pieces so far.
        for (const value of values) sink = codec.encode(value).charCodeAt(0)
      }),
    },
    {
      name: `decode ${name}`,
      details,
      operations: values.length,
      contenders: contenders(codec => () => {
        for (const text of texts) sink = codec.decode(text)
      }),
    },
  ]
}

/** Takes results, so that no engine finds out that they aren't needed. */
export let sink: unknown

function codecOf(bufferJson: {
  replacer: (key: string, value: unknown) => unknown
  reviver: (key: string, value: unknown) => unknown
}): Codec {
  return {
    encode: value => JSON.stringify(value, bufferJson.replacer),
    decode: text => JSON.parse(text, bufferJson.reviver),
  }
}
