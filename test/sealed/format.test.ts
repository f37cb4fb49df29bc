import { memoryStore } from '../../src/stores/memory.ts'
import { sealed } from '../../src/stores/sealed.ts'
import { checkAgain, hideAgain, openAgain, sealAgain, type VectorKey } from './independent-seal.ts'
import { vectors } from './vectors.ts'

describe.each(vectors)('test vector: $what', vector => {
  const { scope, name, text, storedName, hideNames } = vector
  const [keyId = '', key = { hex: '' }] = Object.entries(vector.keys)[0] ?? []
  const kdf = vector.sealed.split(':')[3] ?? ''
  const options = {
    keys: Object.fromEntries(Object.entries(vector.keys).map(([id, one]) => [id, given(one)])),
    hideNames,
  }
  const named = hideNames ? { name } : {}

  test('another implementation seals the same', () => {
    const nonce = Buffer.from(vector.nonce, 'hex')
    expect(sealAgain({ key, keyId, kdf, scope, storedName, text, nonce, ...named })).toBe(vector.sealed)
    expect(hideNames ? hideAgain(name, key, keyId, kdf, scope) : name).toBe(storedName)
    const keys = [{ id: keyId, kdf, check: checkAgain(key, kdf, scope) }]
    expect(JSON.parse(vector.seal)).toEqual(
      hideNames ? { v: 1, names: 'hidden', keys } : { v: 1, names: 'plain' },
    )
  })

  test('it is opened', async () => {
    const inner = memoryStore()
    await inner.write(scope, [
      { name: storedName, value: vector.sealed },
      { name: '!seal', value: vector.seal },
    ])
    expect(await sealed(inner, options).read(scope, [name])).toEqual([text])
  })

  test('what is sealed now, another implementation opens', async () => {
    const inner = memoryStore()
    await inner.write(scope, [{ name: '!seal', value: vector.seal }])
    await sealed(inner, options).write(scope, [{ name, value: text }])
    const [now = ''] = await inner.read(scope, [storedName])
    expect(now).not.toBe(vector.sealed)
    expect(openAgain(now, key, scope, storedName)).toBe(hideNames ? `${name}\n${text}` : text)
  })
})

test('every write takes a nonce that no other has, over many more than are drawn at once', async () => {
  const inner = memoryStore()
  const store = sealed(inner, { keys: { k1: new Uint8Array(32) } })
  const nonces = new Set<string>()
  for (let round = 0; round < 40; round++) {
    const batch = Array.from({ length: 50 }, (_, at) => ({ name: `session/${at}`, value: 'the same' }))
    await store.write('shop', batch)
    const names = batch.map(({ name }) => name)
    for (const text of await inner.read('shop', names))
      nonces.add(String(text).split(':')[4]?.slice(0, 16) ?? '')
  }
  expect(nonces.size).toBe(40 * 50)
})

function given(key: VectorKey): Uint8Array | string {
  return 'hex' in key ? Buffer.from(key.hex, 'hex') : key.passphrase
}
