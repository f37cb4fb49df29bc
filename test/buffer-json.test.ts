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

/** Makes a value anew, of which every getter, toJSON and trap writes down in `log` that it was called. */
type Recipe = (log: string[]) => unknown

const constantRecipe: fc.Arbitrary<Recipe> = fc.oneof(
  leaf.map(value => () => value),
  lookalike.map(value => () => ({ ...value })),
  fc.constantFrom<Recipe>(
    () => Symbol('s'),
    () => () => 1,
    () => Object.assign(() => 1, { toJSON: () => 'a function' }),
    () => Object(1),
    () => Object.assign(Object(2), { unit: 'kg' }),
    () => Object.assign(Object(2), { valueOf: () => 3, toString: () => '4' }),
    () => Object.assign(Object('text "'), { toString: () => 'other', toJSON: 5 }),
    () => Object.setPrototypeOf(Object.assign(Object('ab'), { c: 1 }), Object.prototype),
    () => Object.setPrototypeOf(Object.assign(Object(5), { c: 1 }), null),
    () => Object(false),
    () => Object(Symbol('s')),
    () => new Map([[1, 2]]),
    () => /a/g,
    () => new Error('e'),
    () => new Date(Number.NaN),
    () => new Uint16Array([1, 258]),
    () => new DataView(new ArrayBuffer(4)),
    () => new (class extends Uint8Array {})([1, 2]),
    () => runInNewContext('[new Uint8Array([1, 2]), { a: [new Date(0)] }, Object(7)]'),
    () => Object.assign(Buffer.from('abc'), { toJSON: () => 'said otherwise' }),
    () => Object.assign(Buffer.from('abc'), { toJSON: undefined }),
    () => Object.assign(Buffer.from('abc'), { name: 'of a file' }),
    () => Object.defineProperty(Buffer.from('abc'), 'length', { value: 2 }),
    () => Object.assign(Uint8Array.from([1, 2]), { toJSON: Buffer.prototype.toJSON }),
    () => ({ toJSON: Buffer.prototype.toJSON, length: 2, 0: 7, 1: 8 }),
    () => Object.assign(new Array(6), { 1: 1, 3: undefined, 4: 2 }),
    () => Object.assign([1, 2], { type: 'Buffer', data: [3] }),
    () => Object.assign(Object.create({ type: 'Buffer', inherited: 1 }), { data: 'own' }),
    () => Object.create(null, { hidden: { value: 1 }, shown: { value: 2, enumerable: true } }),
    () => ({ 10: 'b', 9: 'a', b: 'c', [Symbol('s')]: 1 }),
    () => ({ rawJSON: '{' }),
    () => ('rawJSON' in JSON && typeof JSON.rawJSON === 'function' ? JSON.rawJSON('1.0') : 1),
    () => new Proxy(new Uint8Array([1, 2]), {}),
    () =>
      new Proxy([1, [2]], { get: (items, name) => (name === 'length' ? '1.9' : Reflect.get(items, name)) }),
    () => new Proxy({}, { get: (_fields, name) => (name === 'toJSON' ? () => Buffer.from('p') : 1) }),
    () => new Proxy({ a: 1 }, { ownKeys: () => ['b', 'a'], getPrototypeOf: () => null }),
    () => Proxy.revocable([], {}).proxy,
  ),
  // These end in an error, so there are few of them.
  fc.oneof(
    { weight: 30, arbitrary: fc.constant<Recipe>(() => 0) },
    fc.constantFrom<Recipe>(
      () => 1n,
      () => Object(1n),
      () => ({ toJSON: () => 1n }),
      () => {
        const { proxy, revoke } = Proxy.revocable({}, {})
        revoke()
        return proxy
      },
      () => {
        const holdsItself: unknown[] = [{}]
        holdsItself.push({ again: holdsItself })
        return holdsItself
      },
      () => ({
        get field() {
          throw new SyntaxError('A getter that throws.')
        },
      }),
    ),
  ),
)

const recipe: fc.Arbitrary<Recipe> = fc.letrec<{ recipe: Recipe }>(tie => {
  const inner = tie('recipe')
  const fields = fc.array(fc.tuple(key, inner), { maxLength: 6 })
  const fieldsOf = (entries: [string, Recipe][], log: string[]) =>
    Object.fromEntries(entries.map(([name, make]) => [name, make(log)]))
  return {
    recipe: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      constantRecipe,
      fc.array(inner, { maxLength: 5 }).map(
        (items): Recipe =>
          log =>
            items.map(make => make(log)),
      ),
      fields.map(
        (entries): Recipe =>
          log =>
            fieldsOf(entries, log),
      ),
      fields.map(
        (entries): Recipe =>
          log =>
            Object.assign(Object.create(null), fieldsOf(entries, log)),
      ),
      fc.tuple(fields, inner).map(
        ([entries, made]): Recipe =>
          log => ({
            ...fieldsOf(entries, log),
            toJSON(name: unknown) {
              log.push(`toJSON ${typeof name} ${String(name)} ${Object.keys(this).length}`)
              return made(log)
            },
          }),
      ),
      fc.tuple(fields, fc.boolean()).map(
        ([entries, isEnumerable]): Recipe =>
          log => {
            const value = {}
            let count = 0
            for (const [name, make] of entries)
              Object.defineProperty(value, name, {
                configurable: true,
                enumerable: isEnumerable || name.length > 3,
                get: () => {
                  log.push(`get ${name} ${++count}`)
                  return count % 3 === 0 ? count : make(log)
                },
              })
            return value
          },
      ),
      fc.tuple(inner, inner).map(
        ([own, seen]): Recipe =>
          log => {
            class Sample {
              readonly own = own(log)
              get seen() {
                log.push('seen')
                return seen(log)
              }
            }
            return new Sample()
          },
      ),
      fc.tuple(fields, fc.boolean(), inner).map(
        ([entries, isArray, item]): Recipe =>
          log => {
            const target = isArray ? [item(log), 1] : fieldsOf(entries, log)
            return new Proxy(target, {
              get: (from, name) => {
                log.push(`trap get ${String(name)}`)
                return Reflect.get(from, name)
              },
              ownKeys: from => {
                log.push('trap ownKeys')
                return Reflect.ownKeys(from)
              },
              has: (from, name) => {
                log.push('trap has')
                return Reflect.has(from, name)
              },
              getPrototypeOf: from => {
                log.push('trap getPrototypeOf')
                return Reflect.getPrototypeOf(from)
              },
              getOwnPropertyDescriptor: (from, name) => {
                log.push(`trap getOwnPropertyDescriptor ${String(name)}`)
                return Reflect.getOwnPropertyDescriptor(from, name)
              },
            })
          },
      ),
    ),
  }
}).recipe

/** What a call gives, or the name of what it throws. */
function outcome(call: () => unknown): unknown {
  try {
    return { value: call() }
  } catch (error) {
    return { thrown: error instanceof Error ? error.name : error }
  }
}

/** `encode` as it is defined. */
function plainEncode(value: unknown): string {
  const text: string | undefined = JSON.stringify(value, BufferJSON.replacer)
  if (text === undefined) throw new TypeError('no text')
  return text
}

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

test('encode gives what JSON.stringify gives with our replacer, and reads the same in the same order', () => {
  fc.assert(
    fc.property(recipe, make => {
      const expectedLog: string[] = []
      const log: string[] = []
      const expected = outcome(() => plainEncode(make(expectedLog)))
      assert.deepStrictEqual(
        outcome(() => encode(make(log))),
        expected,
      )
      assert.deepStrictEqual(log, expectedLog)
    }),
    { numRuns: 10_000 },
  )
})

test('encode asks a toJSON of the prototypes that all values share', () => {
  const values = (): unknown[] => [
    'text',
    5,
    true,
    Object('text'),
    Object(5),
    Object(true),
    1n,
    Object(1n),
    { field: 1n, list: [2n] },
    [Symbol('s'), () => 1, null, undefined],
    Buffer.from('abc'),
    Uint8Array.from([1, 2]),
    { bytes: Buffer.from('abc'), type: 'Buffer', data: 'text' },
    new Date(0),
  ]
  const prototypes = [String, Number, Boolean, BigInt, Function, Array, Object, Buffer, Uint8Array, Date]
  for (const { prototype } of prototypes) {
    for (const toJSON of [
      (name: string) => `for ${JSON.stringify(name)}`,
      () => Buffer.from('made'),
      () => ({ type: 'Buffer', data: [1] }),
      () => undefined,
      () => 1n,
      5,
    ]) {
      const before = Object.getOwnPropertyDescriptor(prototype, 'toJSON')
      Object.defineProperty(prototype, 'toJSON', { value: toJSON, configurable: true, writable: true })
      try {
        for (const value of values()) {
          for (const holder of [value, { named: value }, [value]]) {
            const expected = outcome(() => plainEncode(holder))
            const found = outcome(() => encode(holder))
            assert.deepStrictEqual(found, expected)
          }
        }
      } finally {
        if (before) Object.defineProperty(prototype, 'toJSON', before)
        else Reflect.deleteProperty(prototype, 'toJSON')
      }
    }
  }
})

test('encode escapes what JSON.stringify escapes, in names and in texts', () => {
  for (let unit = 0; unit <= 0xffff; unit++) {
    const character = String.fromCharCode(unit)
    assert.equal(encode(character), JSON.stringify(character))
  }
  for (const text of [
    '"',
    '\\',
    '\n',
    '\0',
    '\u007f',
    '\u2028',
    'é',
    '😀',
    '\ud83d',
    '\udc00\ud83d',
    `${'a'.repeat(100)}"`,
  ]) {
    for (const value of [text, [text], { [text]: text }, { [text.repeat(40)]: [1], [`${text}2`]: true }]) {
      assert.equal(encode(value), JSON.stringify(value))
      assert.equal(encode(value), JSON.stringify(value)) // With names that it has met.
    }
  }
})

test('encode keeps its texts apart, however many names it has met', () => {
  for (let count = 0; count < 3000; count++) {
    const value = { [`name ${count}`]: count, [`name ${count + 1}`]: [`${count}`], same: {} }
    assert.equal(encode(value), JSON.stringify(value))
  }
})

test('encode bears the depth that JSON.stringify bears, and ends in the same error', () => {
  const nested = (depth: number): unknown => {
    let value: unknown = { bytes: Buffer.from('abc'), list: [Buffer.from('d')] }
    for (let level = 0; level < depth; level++) value = level % 2 ? [value, level] : { level, value }
    return value
  }
  for (const depth of [50, 97, 98, 99, 100, 101, 102, 500, 1000]) {
    const value = nested(depth)
    assert.equal(encode(value), plainEncode(value))
  }
  for (const depth of [10_000, 100_000]) {
    const value = nested(depth)
    assert.throws(() => JSON.stringify(value, BufferJSON.replacer), { name: 'RangeError' })
    assert.throws(() => encode(value), { name: 'RangeError' })
  }
})

test('a value that holds itself is a TypeError, wherever it does', () => {
  const itself: { [key: string]: unknown } = { bytes: Buffer.from('abc') }
  itself.deep = [{ a: { b: itself } }]
  let far: unknown = itself
  for (let level = 0; level < 200; level++) far = [far]
  for (const value of [itself, [itself], far, { toJSON: () => itself }]) {
    assert.throws(() => encode(value), { name: 'TypeError' })
  }
  const shared = { bytes: Buffer.from('abc') }
  assert.equal(encode([shared, shared, { shared }]), plainEncode([shared, shared, { shared }]))
})

test('decode finds a form of bytes however its letters are written', () => {
  const forms = [
    { type: 'Buffer', data: 'YWJj' },
    { buffer: true, data: 'YWJj' },
    { buffer: true, value: [97, 98, 99] },
  ]
  const escaped = (letter: string) => `\\u00${letter.charCodeAt(0).toString(16)}`
  for (const form of forms) {
    for (const json of [JSON.stringify([form, 'Buffer']), JSON.stringify([form, 'Buffer'], null, 2)]) {
      for (const letter of ['B', 'b', 'u', 'f', 'e', 'r', 't', 'd', 'Y']) {
        const inStrings = (change: (text: string) => string) => json.replace(/"\w*"/g, change)
        for (const text of [
          inStrings(found => found.replaceAll(letter, escaped(letter))),
          inStrings(found => found.replace(letter, escaped(letter))),
          inStrings(found => found.replaceAll(letter, escaped(letter).toUpperCase().replace('U', 'u'))),
        ]) {
          assert.deepStrictEqual(decode(text), [Buffer.from('abc'), 'Buffer'])
        }
      }
    }
  }
})

test('decode gives what JSON.parse gives with our reviver, for lookalikes of bytes too', () => {
  fc.assert(
    fc.property(trees(lookalike), value => {
      const json = JSON.stringify(value)
      fc.pre(json !== undefined)
      assert.deepStrictEqual(decode(json), JSON.parse(json, BufferJSON.reviver))
    }),
    { numRuns: 5000 },
  )
})

test('decode gives what JSON.parse gives with our reviver of any text, also where letters are escaped', () => {
  fc.assert(
    fc.property(
      trees(lookalike),
      fc.integer({ min: 0, max: 255 }),
      fc.boolean(),
      (value, pattern, isIndented) => {
        const json = JSON.stringify(value, BufferJSON.replacer, isIndented ? 1 : 0)
        fc.pre(json !== undefined)
        // Letters between quotes that no backslash is near may be written by their numbers.
        const text = json.replace(/"[A-Za-z]+"/g, name =>
          name.replace(/[A-Za-z]/g, (letter, at: number) =>
            (pattern >> (at % 8)) & 1 ? `\\u00${letter.charCodeAt(0).toString(16)}` : letter,
          ),
        )
        assert.deepStrictEqual(decode(text), JSON.parse(text, BufferJSON.reviver))
      },
    ),
    { numRuns: 5000 },
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
