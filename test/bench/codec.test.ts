import assert from 'node:assert/strict'
import { type Codec, specsOf } from '../../bench/codec.ts'
import { codecRecords } from '../../bench/codec-records.ts'
import { decode, encode } from '../../src/buffer-json.ts'

const own: Codec = { encode, decode }
const values = [{ key: Buffer.from('abc') }, { key: Buffer.from('de') }]

test('a codec that writes one other text than ours is not measured', () => {
  const other: Codec = { encode: value => (value === values[1] ? '{}' : encode(value)), decode }
  assert.throws(() => specsOf('record', values, own, { other }), /text of record is not that of other/)
})

test('a codec that reads one other value than ours is not measured', () => {
  const other: Codec = { encode, decode: text => (text === encode(values[1]) ? {} : decode(text)) }
  assert.throws(() => specsOf('record', values, own, { other }), /not what other reads/)
})

test('each contender encodes and decodes every value each time', () => {
  const calls: string[] = []
  const counted = (name: string): Codec => ({
    encode: value => {
      calls.push(`${name} encode`)
      return encode(value)
    },
    decode: text => {
      calls.push(`${name} decode`)
      return decode(text)
    },
  })
  const specs = specsOf('record', values, counted('ours'), { other: counted('other') })
  assert.deepStrictEqual(
    specs.map(({ name, operations, details }) => [name, operations, details.verified]),
    [
      ['encode record', 2, 2],
      ['decode record', 2, 2],
    ],
  )
  calls.length = 0
  for (const { contenders } of specs) for (const run of Object.values(contenders)) run()
  assert.deepStrictEqual(
    calls,
    ['ours encode', 'other encode', 'ours decode', 'other decode'].flatMap(call => [call, call]),
  )
})

test('the records are what Baileys stores, several of each kind and no two alike', async () => {
  const records = await codecRecords(3)
  const texts = Object.values(records).flatMap(kind => kind.map((value: unknown) => encode(value)))
  assert.equal(new Set(texts).size, texts.length)
  const sizes = (kind: readonly unknown[]) => kind.map(value => encode(value).length)
  for (const size of sizes(records.session)) assert.ok(size > 700 && size < 2000, `a session of ${size}`)
  for (const size of sizes(records['big session']))
    assert.ok(size > 20_000 && size < 60_000, `one of ${size}`)
  for (const key of records['sender-key']) assert.ok(Buffer.isBuffer(key))
})
