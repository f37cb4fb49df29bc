import type { Store } from '../../src/store.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { parseKdf } from '../../src/stores/sealed/passphrase.ts'
import { type SealKeys, sealed } from '../../src/stores/sealed.ts'
import { sealAgain } from './independent-seal.ts'
import { testKey } from './sealed-backend.ts'
import { vectors } from './vectors.ts'

const scope = 'shop'

async function write(inner: Store, keys: SealKeys, name: string, of: string = scope): Promise<string> {
  await sealed(inner, { keys }).write(of, [{ name, value: '"text"' }])
  const [text = ''] = await inner.read(of, [name])
  return text
}

test('the first key writes, and each record names its key', async () => {
  const inner = memoryStore()
  expect(await write(inner, { k1: testKey(1) }, 'a/1')).toMatch(/^sealed:1:k1::/)
  expect(await write(inner, { next: testKey(2), k1: testKey(1) }, 'a/2')).toMatch(/^sealed:1:next::/)
  const both = sealed(inner, { keys: { next: testKey(2), k1: testKey(1) } })
  expect(await both.read(scope, ['a/1', 'a/2'])).toEqual(['"text"', '"text"'])
})

test('sessions have keys of their own: a record’s bytes open in no other session', async () => {
  const inner = memoryStore()
  const text = await write(inner, { k1: testKey(1) }, 'a/1')
  await inner.write('other', [{ name: 'a/1', value: text }])
  const store = sealed(inner, { keys: { k1: testKey(1) } })
  await expect(store.read('other', ['a/1'])).rejects.toMatchObject({ code: 'RECORD_CORRUPT' })
})

test('a hundred sessions that begin at once share one salt of their passphrase', async () => {
  const inner = memoryStore()
  const keys = { home: 'a passphrase of these sessions' }
  const texts = await Promise.all(
    Array.from({ length: 100 }, (_, at) => write(inner, keys, 'creds', `session-${at}`)),
  )
  expect(new Set(texts.map(text => text.split(':')[3])).size).toBe(1)
})

test('what is written follows the salt of what was read last, so that a process adds none of its own', async () => {
  const vector = vectors.find(({ what }) => what === 'a passphrase')
  if (!vector) throw new Error('there is no such vector')
  const inner = memoryStore()
  await inner.write(vector.scope, [{ name: vector.name, value: vector.sealed }])
  const keys = { home: 'correct horse battery staple' }
  expect(await sealed(inner, { keys }).read(vector.scope, [vector.name])).toEqual([vector.text])
  const text = await write(inner, keys, 'creds', 'another')
  expect(text.split(':')[3]).toBe(vector.sealed.split(':')[3])
})

test('a passphrase under another id has salts of its own', async () => {
  const inner = memoryStore()
  const first = await write(inner, { one: 'one passphrase' }, 'a/1')
  const second = await write(inner, { two: 'one passphrase' }, 'a/2')
  expect(first.split(':')[3]).not.toBe(second.split(':')[3])
})

test('a passphrase is the same however its accents are composed', async () => {
  const inner = memoryStore()
  await write(inner, { home: 'caf\u00e9 au lait' }, 'a/1')
  expect(await sealed(inner, { keys: { home: 'cafe\u0301 au lait' } }).read(scope, ['a/1'])).toEqual([
    '"text"',
  ])
})

test.each([
  '21.8.1.AAAAAAAAAAAAAAAAAAAAAA',
  '99.99.99.AAAAAAAAAAAAAAAAAAAAAA',
  '20.32.16.AAAAAAAAAAAAAAAAAAAAAA',
  '20.8.1.AAAAAAAAAAAAAAAAAAAAAA',
  '15.33.1.AAAAAAAAAAAAAAAAAAAAAA',
  '10.8.17.AAAAAAAAAAAAAAAAAAAAAA',
  '15.8.3.AAAA',
  '15.8.3.AAAAAAAAAAAAAAAAAAAAAAAA',
  '15.8.3.',
  '15.8',
  '015.8.3.AAAAAAAAAAAAAAAAAAAAAA',
  '-1.8.3.AAAAAAAAAAAAAAAAAAAAAA',
  '0.8.3.AAAAAAAAAAAAAAAAAAAAAA',
  '1e1.8.3.AAAAAAAAAAAAAAAAAAAAAA',
])('a record that asks for a derivation %s is refused without one', async kdf => {
  const inner = memoryStore()
  const keys = { home: 'a passphrase of nobody' }
  const text = await write(inner, keys, 'a/1')
  const parts = text.split(':')
  parts[3] = kdf
  await inner.write(scope, [{ name: 'a/1', value: parts.join(':') }])
  expect(parseKdf(kdf)).toBeUndefined()
  await expect(sealed(inner, { keys }).read(scope, ['a/1'])).rejects.toMatchObject({ code: 'RECORD_CORRUPT' })
})

test.each(['15.8.3', '18.8.1', '17.8.2', '1.1.1'])('a derivation %s is not too much to ask', parameters => {
  expect(parseKdf(`${parameters}.AAAAAAAAAAAAAAAAAAAAAA`)).toBeDefined()
})

test('weaker parameters than ours, in a record of our own passphrase even, are read and not written with', async () => {
  const inner = memoryStore()
  const keys = { weak: 'a passphrase with a past' }
  const text = await write(inner, keys, 'a/1')
  const weak = sealAgain({
    key: { passphrase: keys.weak },
    keyId: 'weak',
    kdf: '10.8.1.AAAAAAAAAAAAAAAAAAAAAA',
    scope,
    storedName: 'a/2',
    text: '"old"',
    nonce: Buffer.alloc(12),
  })
  await inner.write(scope, [{ name: 'a/2', value: weak }])
  expect(await sealed(inner, { keys }).read(scope, ['a/2'])).toEqual(['"old"'])
  expect((await write(inner, keys, 'a/3')).split(':')[3]).toBe(text.split(':')[3])
})

test('an error names the key to add, and the record only where no logger looks', async () => {
  const inner = memoryStore()
  await write(inner, { k1: testKey(1) }, 'session/5511999990000.0')
  const errors = await Promise.all(
    [{ k2: testKey(2) }, { k1: testKey(2) }].map(keys =>
      sealed(inner, { keys })
        .read(scope, ['session/5511999990000.0'])
        .then(
          () => undefined,
          error => error,
        ),
    ),
  )
  expect(errors.map(error => error.code)).toEqual(['SEAL_KEY_MISSING', 'RECORD_CORRUPT'])
  expect(errors[0].message).toMatch(/"k1".*Add it/)
  expect(errors[1].message).toMatch(/"k1" is not the one.*damaged or altered/)
  for (const error of errors) {
    expect(error).toMatchObject({ kind: 'memory', session: scope, record: 'session/5511999990000.0' })
    expect(error.message + JSON.stringify(error) + Object.keys(error).join()).not.toContain('5511999990000')
  }
})
