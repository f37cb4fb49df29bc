import assert from 'node:assert/strict'
import { runInNewContext } from 'node:vm'
import * as baileys7 from '@whiskeysockets/baileys'
import * as baileys6 from 'baileys-6'
import fc from 'fast-check'
import { BufferJSON, decode, encode } from '../src/buffer-json.ts'

const versions = [
  ['6.7.24', baileys6],
  ['7.0.0-rc14', baileys7],
] as const

const anyUtf16 = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 })
  .map(units => String.fromCharCode(...units))
const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), anyUtf16)
const key = fc.oneof(
  text,
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    '',
    '0',
    '5511999@s.whatsapp.net',
    'type',
    'data',
    'value',
    'buffer',
  ),
)
const bytes = fc.uint8Array({ maxLength: 40 })
const leaf = fc.oneof(
  text,
  fc.double(),
  fc.integer(),
  fc.constantFrom<unknown>(-0, Number.NaN, null, undefined, true, false, 2 ** 53, 1e21),
  fc.date({ noInvalidDate: false }),
  bytes,
  bytes.map(value => Buffer.from(value)),
  bytes.map(value => Buffer.concat([Buffer.alloc(3, 7), value]).subarray(3)),
  text.map(value => ({ toJSON: () => ({ said: value, bytes: Buffer.from(value) }) })),
)

/** Trees of all that a caller may store, with `extra` among the leaves. */
function trees(extra: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.letrec<{ tree: unknown }>(tie => ({
    tree: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      leaf,
      extra,
      fc.array(tie('tree'), { maxLength: 5 }),
      fc.array(fc.tuple(key, tie('tree')), { maxLength: 6 }).map(entries => Object.fromEntries(entries)),
    ),
  })).tree
}

/** Objects that have, or nearly have, a form of bytes. */
const lookalike = fc
  .record(
    {
      type: fc.constantFrom<unknown>('Buffer', 'buffer', 'Bytes', 1),
      buffer: fc.constantFrom<unknown>(true, false, 'true', 1),
      data: fc.oneof(
        text,
        bytes.map(value => Buffer.from(value).toString('base64')),
        fc.array(fc.integer({ min: -300, max: 300 }), { maxLength: 6 }),
        bytes.map(value => [...value]),
        fc.constantFrom<unknown>(null, 5, true, {}, { 0: 1 }, { length: 2 }, ['x'], [1.5], [null]),
      ),
      value: fc.oneof(text, fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 6 })),
      more: fc.integer(),
    },
    { requiredKeys: [] },
  )
  .map(fields => ({ ...fields }))

/** What JSON and Baileys' form of bytes keep of a value, worked out without either. */
function carried(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : null
  if (Array.isArray(value)) return value.map(item => (item === undefined ? null : carried(item)))
  if (typeof value !== 'object' || value === null) return value
  if ('toJSON' in value && typeof value.toJSON === 'function') return carried(value.toJSON())
  const entries = Object.entries(value).filter(([, field]) => field !== undefined)
  return Object.fromEntries(entries.map(([name, field]) => [name, carried(field)]))
}

/** Whether `found` is true of a value or of anything in it. */
function some(value: unknown, found: (value: object) => boolean): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return false
  return found(value) || Object.values(value).some(field => some(field, found))
}

const isLookalike = (value: object): boolean =>
  ('type' in value && value.type === 'Buffer') || ('buffer' in value && value.buffer === true)

const isNumberMap = (value: object): boolean =>
  !Array.isArray(value) &&
  Object.keys(value).length > 0 &&
  Object.entries(value).every(
    ([name, field]) =>
      !Number.isNaN(Number.parseInt(name, 10)) && (field === null || typeof field === 'number'),
  )

const runs = { numRuns: 1000 }

describe.each(versions)("beside Baileys %s's BufferJSON", (_version, { BufferJSON: theirs }) => {
  test('encode writes the same text, for lookalikes of bytes too', () => {
    fc.assert(
      fc.property(trees(lookalike), value => {
        let expected: string | undefined
        try {
          expected = JSON.stringify(value, theirs.replacer)
        } catch {
          return fc.pre(false) // They refuse what has a form of bytes and none in it.
        }
        if (expected === undefined) assert.throws(() => encode(value), { name: 'TypeError' })
        else assert.equal(encode(value), expected)
      }),
      runs,
    )
  })

  test('decode gives back what it wrote', () => {
    fc.assert(
      fc.property(trees(fc.constant(null)), value => {
        fc.pre(value !== undefined && !some(carried(value), isLookalike))
        assert.deepStrictEqual(decode(JSON.stringify(value, theirs.replacer)), carried(value))
      }),
      runs,
    )
  })

  test('its reviver gives of our text the same value, where it does not guess', () => {
    fc.assert(
      fc.property(trees(fc.constant(null)), value => {
        const expected = carried(value)
        fc.pre(value !== undefined && !some(expected, isLookalike) && !some(expected, isNumberMap))
        assert.deepStrictEqual(JSON.parse(encode(value), theirs.reviver), expected)
      }),
      runs,
    )
  })

  test('its fresh creds come back equal, whoever of us writes and reads them', () => {
    const creds = {
      ...(_version === '6.7.24' ? baileys6 : baileys7).initAuthCreds(),
      routingInfo: Buffer.from([8, 2]),
    }
    const kept = carried(creds)
    assert.equal(encode(creds), JSON.stringify(creds, theirs.replacer))
    assert.deepStrictEqual(decode(encode(creds)), kept)
    assert.deepStrictEqual(JSON.parse(encode(creds), theirs.reviver), kept)
  })

  test('its protobuf instances are written as it writes them: bytes as base64, since their toJSON runs first', () => {
    const { proto } = _version === '6.7.24' ? baileys6 : baileys7
    const syncKey = proto.Message.AppStateSyncKeyData.fromObject({
      keyData: Buffer.from('0123456789abcdef0123456789abcdef', 'hex'),
      fingerprint: { rawId: 7, currentIndex: 1, deviceIndexes: [0, 1] },
      timestamp: 1_700_000_000_000,
    })
    const account = proto.ADVSignedDeviceIdentity.fromObject({
      details: Buffer.from('details'),
      accountSignatureKey: Buffer.alloc(32, 1),
      accountSignature: Buffer.alloc(64, 2),
      deviceSignature: Buffer.alloc(64, 3),
    })
    for (const message of [syncKey, account, { account }]) {
      assert.equal(encode(message), JSON.stringify(message, theirs.replacer))
    }
    assert.deepStrictEqual(decode(encode(syncKey)), {
      keyData: Buffer.from('0123456789abcdef0123456789abcdef', 'hex').toString('base64'),
      fingerprint: { rawId: 7, currentIndex: 1, deviceIndexes: [0, 1] },
      timestamp: '1700000000000',
    })
    const stored = decode(encode({ account })) as { account: object } // As it was put in a line above.
    const revived = proto.ADVSignedDeviceIdentity.fromObject({ ...stored.account })
    assert.equal(encode(revived), encode(account))
  })
})

describe('what decode takes for bytes', () => {
  const abc = Buffer.from('abc')
  const forms: [string, unknown][] = [
    ['base64', { type: 'Buffer', data: 'YWJj' }],
    ['an array, as Buffer has it itself', { type: 'Buffer', data: [97, 98, 99] }],
    ['buffer: true with base64', { buffer: true, data: 'YWJj' }],
    ['buffer: true with an array', { buffer: true, data: [97, 98, 99] }],
    ['buffer: true with a value', { buffer: true, value: 'YWJj' }],
    ['buffer: true with a value that is an array', { buffer: true, value: [97, 98, 99] }],
    ['both marks', { type: 'Buffer', buffer: true, data: 'YWJj' }],
  ]
  test.each(forms)('%s', (_name, form) => {
    assert.deepStrictEqual(decode(JSON.stringify(form)), abc)
    assert.deepStrictEqual(decode(JSON.stringify([{ deep: form }])), [{ deep: abc }])
    assert.deepStrictEqual(JSON.parse(JSON.stringify(form), BufferJSON.reviver), abc)
    assert.deepStrictEqual(JSON.parse(JSON.stringify(form), baileys6.BufferJSON.reviver), abc)
  })

  test.each(['{"type":"Buffer","data":""}', '{"type":"Buffer","data":[]}', '{"buffer":true,"data":""}'])(
    'no bytes: %s',
    json => {
      assert.deepStrictEqual(decode(json), Buffer.alloc(0))
    },
  )
})

describe('what decode leaves as it is', () => {
  test.each([
    { '5511999999999@s.whatsapp.net': 3 },
    { '0': 1, '1': 2 },
    { type: 'Buffer' },
    { type: 'Buffer', data: 5 },
    { type: 'Buffer', data: null },
    { type: 'Buffer', data: { 0: 1 } },
    { type: 'Buffer', data: [300, -1, 'x'] },
    { type: 'Buffer', data: [1.5] },
    { type: 'Buffer', data: [256] },
    { type: 'Buffer', data: [-1] },
    { type: 'buffer', data: 'YWJj' },
    { buffer: true },
    { buffer: true, data: 5 },
    { buffer: true, data: 'YWJj', name: 'sound' },
    { buffer: 'true', data: 'YWJj' },
    { data: 'YWJj' },
  ])('%j', value => {
    assert.deepStrictEqual(decode(JSON.stringify(value)), value)
    assert.deepStrictEqual(JSON.parse(JSON.stringify(value), BufferJSON.reviver), value)
    assert.deepStrictEqual(decode(JSON.stringify({ additionalData: value })), { additionalData: value })
  })
})

test('decode gives what JSON.parse gives with our reviver, for lookalikes of bytes too', () => {
  fc.assert(
    fc.property(trees(lookalike), value => {
      const json = JSON.stringify(value)
      fc.pre(json !== undefined)
      assert.deepStrictEqual(decode(json), JSON.parse(json, BufferJSON.reviver))
    }),
    runs,
  )
})

test('what has a form of bytes and none in it is stored, where Baileys throws', () => {
  for (const value of [
    { type: 'Buffer' },
    { type: 'Buffer', data: 5 },
    { type: 'Buffer', more: { data: true } },
  ]) {
    assert.throws(() => JSON.stringify(value, baileys7.BufferJSON.replacer), { name: 'TypeError' })
    assert.deepStrictEqual(decode(encode({ value })), { value })
  }
})

test("a libsignal session comes back equal, and so does each of Baileys' own odd values", () => {
  const session = {
    _sessions: {
      'BQx1+/z==': {
        registrationId: 1234,
        currentRatchet: {
          ephemeralKeyPair: { pubKey: 'BQx1', privKey: 'aGk=' },
          lastRemoteEphemeralKey: 'BQx2',
          previousCounter: 0,
          rootKey: 'cm9vdA==',
        },
        indexInfo: {
          baseKey: 'BQx1',
          baseKeyType: 1,
          closed: -1,
          used: 1_700_000_000_000,
          created: 1_700_000_000_000,
        },
        _chains: {
          BQx2: {
            chainKey: { counter: 3, key: 'Y2hhaW4=' },
            chainType: 2,
            messageKeys: { 0: 'bWs=', 2: 'bWs=' },
          },
        },
        pendingPreKey: { signedKeyId: 1, baseKey: 'BQx1', preKeyId: 4 },
      },
    },
    version: 'v1',
  }
  const senderKeyMemory = { '5511999@s.whatsapp.net': true, '77@lid': false }
  const senderKey = Buffer.from(JSON.stringify([{ senderKeyId: 1, senderChainKey: { iteration: 0 } }]))
  const version = {
    version: 3,
    hash: Buffer.alloc(128, 9),
    indexValueMap: { 'a/b=': { valueMac: Buffer.alloc(32) } },
  }
  for (const value of [
    session,
    senderKeyMemory,
    senderKey,
    version,
    ['0', '7'],
    '77@lid',
    '',
    0,
    false,
    null,
  ]) {
    assert.deepStrictEqual(decode(encode(value)), value)
  }
})

test('bytes of another realm are bytes, and a view of bytes is only what it shows', () => {
  const foreign: unknown = runInNewContext('new Uint8Array([1, 2, 3, 255]).subarray(1)')
  assert.equal(foreign instanceof Uint8Array, false)
  assert.equal(encode({ foreign }), '{"foreign":{"type":"Buffer","data":"AgP/"}}')
  assert.deepStrictEqual(decode(encode(foreign)), Buffer.from([2, 3, 255]))
})

test('a field named __proto__ stays a field, with bytes in it and around it, and changes no prototype', () => {
  const json =
    '{"__proto__":{"type":"Buffer","data":"YWJj"},"a":{"__proto__":{"b":{"type":"Buffer","data":"YWJj"}}}}'
  const value = decode(json)
  const inner = Object.fromEntries([['__proto__', { b: Buffer.from('abc') }]])
  assert.deepStrictEqual(Object.entries(value ?? {}), [
    ['__proto__', Buffer.from('abc')],
    ['a', inner],
  ])
  assert.equal(Object.getPrototypeOf(value), Object.prototype)
  assert.equal(encode(value), json)
})

test('each decode makes its own objects and bytes', () => {
  const json = encode({ key: Buffer.from('abc'), list: [{}] })
  const first = decode(json)
  const second = decode(json)
  assert.deepStrictEqual(first, second)
  assert.notEqual(first, second)
  const key = (value: unknown) => (value as { key: Buffer }).key // As encoded above.
  key(first).fill(0)
  assert.deepStrictEqual(key(second), Buffer.from('abc'))
})

test('a value without a JSON text is a TypeError', () => {
  for (const value of [undefined, () => 1, Symbol('s'), 1n, { toJSON: () => undefined }]) {
    assert.throws(() => encode(value), { name: 'TypeError' })
  }
})

test.each(['', '{', '{"noiseKey":{"private":{"type":"Buf', 'undefined', '{} {}', '\0\0\0\0'])(
  'a broken text is a SyntaxError: %j',
  json => {
    assert.throws(() => decode(json), { name: 'SyntaxError' })
  },
)

test('decode does not run out of stack', () => {
  const depth = 200_000
  assert.ok(Array.isArray(decode('['.repeat(depth) + ']'.repeat(depth))))
})
