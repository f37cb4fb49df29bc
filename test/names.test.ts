import fc from 'fast-check'
import {
  credsName,
  fenceName,
  heartbeatName,
  isInternalScope,
  isReserved,
  isShortened,
  ownersScope,
  parseRecordName,
  recordName,
  scopeOf,
  sessionOf,
  typePrefix,
} from '../src/names.ts'
import { hostileNames } from './suite/hostile.ts'

const escaped = /^[A-Za-z0-9%+,\-.:=@_~]+$/

/** Any sequence of UTF-16 code units, lone surrogates included, with the characters that names escape more often. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 })
    .map(units => String.fromCharCode(...units)),
  fc
    .array(fc.integer({ min: 0xd7fe, max: 0xe001 }), { maxLength: 12 })
    .map(units => String.fromCharCode(...units)),
  fc.string({ unit: fc.constantFrom(...'%2Fa~!/\\.:*? _\0A') }),
  fc.constantFrom(...hostileNames),
)

const anySession = anyText.filter(text => text !== '')
const runs = { numRuns: 2000 }

describe('the scope of a session', () => {
  test('is 1 to 200 characters that match no pattern and cross no path', () => {
    fc.assert(
      fc.property(anySession, session => {
        const scope = scopeOf(session)
        expect(scope).toMatch(escaped)
        expect(scope.length).toBeLessThanOrEqual(200)
        expect(isInternalScope(scope)).toBe(false)
      }),
      runs,
    )
  })

  test('differs for sessions that differ', () => {
    fc.assert(
      fc.property(
        anySession,
        anySession,
        (left, right) => (scopeOf(left) === scopeOf(right)) === (left === right),
      ),
      runs,
    )
  })

  test('gives the session back where it is not shortened', () => {
    fc.assert(
      fc.property(anySession, session => {
        const scope = scopeOf(session)
        expect(sessionOf(scope)).toBe(isShortened(scope) ? undefined : session)
      }),
      runs,
    )
  })

  test('is made for no empty name', () => {
    expect(() => scopeOf('')).toThrow(TypeError)
  })

  test.each([
    ['!owners', '%21owners'],
    ['a/b', 'a%2Fb'],
    ['bot 1', 'bot%201'],
    ['~', '%7E'],
    ['é', '%C3%A9'],
    ['🤖', '%F0%9F%A4%96'],
    ['\ud83e', '%ED%A0%BE'],
    ['\udd16\ud83e', '%ED%B4%96%ED%A0%BE'],
  ])('of %j is %s', (session, scope) => {
    expect(scopeOf(session)).toBe(scope)
    expect(sessionOf(scope)).toBe(session)
  })

  test('of 190 emoji is shortened, and differs from that of 191', () => {
    const [left, right] = [scopeOf('🤖'.repeat(190)), scopeOf('🤖'.repeat(191))]
    expect(left).not.toBe(right)
    expect([left, right].every(isShortened)).toBe(true)
    expect(left.length).toBeLessThanOrEqual(200)
  })

  test('of exactly 200 characters is kept, of 201 is shortened', () => {
    expect(scopeOf('a'.repeat(200))).toBe('a'.repeat(200))
    expect(isShortened(scopeOf('a'.repeat(201)))).toBe(true)
  })

  test('of a name that looks like a shortened one is another one', () => {
    const shortened = scopeOf('a'.repeat(201))
    expect(scopeOf(shortened)).not.toBe(shortened)
    expect(sessionOf(scopeOf(shortened))).toBe(shortened)
  })
})

describe('the name of a record', () => {
  test('is 1 to 400 characters with one slash, and never reserved', () => {
    fc.assert(
      fc.property(anyText, anyText, (type, id) => {
        const name = recordName(type, id)
        expect(name.replace('/', '')).toMatch(/^[A-Za-z0-9%+,\-.:=@_~]*$/)
        expect(name).toContain('/')
        expect(name.length).toBeLessThanOrEqual(400)
        expect(isReserved(name)).toBe(false)
        expect(name).not.toBe(credsName)
      }),
      runs,
    )
  })

  test('differs where type or id differ', () => {
    fc.assert(
      fc.property(anyText, anyText, anyText, anyText, (type, id, otherType, otherId) => {
        const same = type === otherType && id === otherId
        expect(recordName(type, id) === recordName(otherType, otherId)).toBe(same)
        expect(recordName(type, id) === recordName(type, otherId)).toBe(id === otherId)
        expect(recordName(type, id) === recordName(otherType, id)).toBe(type === otherType)
      }),
      runs,
    )
  })

  test('differs where type and id are the same text, cut elsewhere', () => {
    fc.assert(
      fc.property(anyText, fc.nat(), fc.nat(), (text, left, right) => {
        const [one, other] = [left % (text.length + 1), right % (text.length + 1)]
        const nameAt = (at: number) => recordName(text.slice(0, at), text.slice(at))
        expect(nameAt(one) === nameAt(other)).toBe(one === other)
      }),
      runs,
    )
  })

  test('gives type and id back where it is not shortened', () => {
    fc.assert(
      fc.property(anyText, anyText, (type, id) => {
        const name = recordName(type, id)
        expect(parseRecordName(name)).toEqual(isShortened(name) ? undefined : { type, id })
      }),
      runs,
    )
  })

  test('is shortened exactly where type or id are too long', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 90 }),
        fc.integer({ min: 0, max: 320 }),
        (typeLength, idLength) => {
          const name = recordName('t'.repeat(typeLength), 'i'.repeat(idLength))
          expect(isShortened(name)).toBe(typeLength > 80 || idLength > 300)
        },
      ),
      runs,
    )
  })

  test('begins with the prefix of its type, and with no other', () => {
    fc.assert(
      fc.property(anyText, anyText, anyText, (type, otherType, id) => {
        expect(recordName(type, id).startsWith(typePrefix(type))).toBe(true)
        expect(recordName(type, id).startsWith(typePrefix(otherType))).toBe(type === otherType)
      }),
      runs,
    )
  })

  test.each(hostileNames.map(name => [name.length > 40 ? `${name.slice(0, 40)}...` : name, name]))(
    'keeps the id %j apart from every other',
    (_, id) => {
      const names = new Set(hostileNames.map(other => recordName('session', other)))
      expect(names.size).toBe(hostileNames.length)
      const name = recordName('session', id)
      expect(parseRecordName(name)).toEqual(isShortened(name) ? undefined : { type: 'session', id })
    },
  )

  test("of Baileys' own types and ids stays readable", () => {
    expect(recordName('pre-key', '17')).toBe('pre-key/17')
    expect(recordName('session', '491700000000.0')).toBe('session/491700000000.0')
    expect(recordName('sender-key', '1-2@g.us::491700000000::0')).toBe('sender-key/1-2@g.us::491700000000::0')
    expect(recordName('app-state-sync-key', 'AAAA/b+=')).toBe('app-state-sync-key/AAAA%2Fb+=')
  })
})

describe('reserved names', () => {
  test('are the fence and heartbeats, and neither creds nor records of keys', () => {
    expect(isReserved(fenceName)).toBe(true)
    expect(isReserved(heartbeatName('owner-1'))).toBe(true)
    expect(isReserved(credsName)).toBe(false)
    expect(isInternalScope(ownersScope)).toBe(true)
  })

  test('are no records of keys', () => {
    for (const name of [fenceName, heartbeatName('a'), credsName])
      expect(parseRecordName(name)).toBeUndefined()
  })
})
