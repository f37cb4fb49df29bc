import * as baileys from '@whiskeysockets/baileys'
import { useAuthState } from '../../src/auth-state.ts'
import { decode } from '../../src/buffer-json.ts'
import { isAuthStateError } from '../../src/errors.ts'
import type { Store } from '../../src/store.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { sealed } from '../../src/stores/sealed.ts'
import { testKey } from './sealed-backend.ts'

const refusals = ['RECORD_CORRUPT', 'SEAL_KEY_MISSING']
const text = '{"a":"text that is sealed","n":[1,2,3]}'

describe.each([false, true])('hideNames: %s', hideNames => {
  const seal = (inner: Store, keys: object = { k1: testKey(1), k2: testKey(2) }) =>
    sealed(inner, { keys: { ...keys }, hideNames })

  /** A store of two sessions of two records, and what lies in it. */
  async function written() {
    const inner = memoryStore()
    const store = seal(inner)
    for (const scope of ['shop', 'other']) {
      await store.write(scope, [
        { name: 'session/a', value: text },
        { name: 'session/b', value: text.replace('1', '2') },
      ])
    }
    const stored: { scope: string; name: string; value: string }[] = []
    for (const scope of ['shop', 'other']) {
      for await (const page of inner.list(scope, { values: true })) {
        for (const { name, value = '' } of page) if (name !== '!seal') stored.push({ scope, name, value })
      }
    }
    return { inner, store, stored }
  }

  /** Says what came of reading a record in place of which another text lies: never a value. */
  async function readsAsNothing(
    inner: Store,
    store: Store,
    at: { scope: string; name: string },
    value: string,
  ) {
    await inner.write(at.scope, [{ name: at.name, value }])
    const [first, second] = await Promise.allSettled(
      ['session/a', 'session/b'].map(async name => {
        const [read] = await store.read(at.scope, [name])
        if (read === undefined) throw new Error('a stored record seems absent')
        return decode(read)
      }),
    )
    // The other record is as it was.
    const outcomes = [first, second].filter(outcome => outcome?.status === 'rejected')
    if (outcomes.length !== 1) throw new Error(`read in spite of ${JSON.stringify(value)}`)
    const reason: unknown = outcomes[0]?.status === 'rejected' ? outcomes[0].reason : undefined
    if (isAuthStateError(reason)) expect(refusals).toContain(reason.code)
    else if (!(reason instanceof SyntaxError)) throw reason
  }

  test('any byte of a sealed text changed, put in or taken out is caught', async () => {
    const { inner, store, stored } = await written()
    const [victim] = stored
    if (!victim) throw new Error('nothing was stored')
    const { value } = victim
    for (let at = 0; at <= value.length; at++) {
      const replaced = Array.from(
        new Set(['A', 'B', 'k', '0', '1', ':', '=', '\n', ' ', '{', '"', '\0', 'é', '/']),
      )
        .filter(character => character !== value[at])
        .concat(String.fromCharCode(value.charCodeAt(at) ^ 1))
      for (const character of replaced) {
        if (at < value.length)
          await readsAsNothing(inner, store, victim, value.slice(0, at) + character + value.slice(at + 1))
        await readsAsNothing(inner, store, victim, value.slice(0, at) + character + value.slice(at))
      }
      if (at < value.length)
        await readsAsNothing(inner, store, victim, value.slice(0, at) + value.slice(at + 1))
    }
  })

  test('a cut text, at every length, is caught', async () => {
    const { inner, store, stored } = await written()
    const [victim] = stored
    if (!victim) throw new Error('nothing was stored')
    for (let length = 0; length < victim.value.length; length++) {
      await readsAsNothing(inner, store, victim, victim.value.slice(0, length))
      await readsAsNothing(
        inner,
        store,
        victim,
        victim.value.slice(-length || victim.value.length + 1).slice(1),
      )
    }
  })

  test('a text of another record, of another session, or with another tag is caught', async () => {
    const { inner, store, stored } = await written()
    for (const victim of stored) {
      for (const other of stored) {
        if (other === victim) continue
        const bytes = Buffer.from(victim.value.slice(victim.value.lastIndexOf(':') + 1), 'base64')
        const others = Buffer.from(other.value.slice(other.value.lastIndexOf(':') + 1), 'base64')
        const header = victim.value.slice(0, victim.value.lastIndexOf(':') + 1)
        const withTag = Buffer.concat([bytes.subarray(0, -16), others.subarray(-16)])
        const withNonce = Buffer.concat([others.subarray(0, 12), bytes.subarray(12)])
        await readsAsNothing(inner, store, victim, other.value)
        await readsAsNothing(inner, store, victim, header + withTag.toString('base64'))
        await readsAsNothing(inner, store, victim, header + withNonce.toString('base64'))
        await inner.write(victim.scope, [{ name: victim.name, value: victim.value }])
      }
    }
  })

  test('two records whose texts were swapped are both caught', async () => {
    const { inner, store, stored } = await written()
    const [first, second] = stored
    if (!first || !second) throw new Error('nothing was stored')
    await inner.write('shop', [
      { name: first.name, value: second.value },
      { name: second.name, value: first.value },
    ])
    for (const name of ['session/a', 'session/b'])
      await expect(store.read('shop', [name])).rejects.toMatchObject({ code: 'RECORD_CORRUPT' })
  })

  test('a header that names another key of the ring, or one that is not in it, is caught', async () => {
    const { inner, store, stored } = await written()
    const [victim] = stored
    if (!victim) throw new Error('nothing was stored')
    await readsAsNothing(inner, store, victim, victim.value.replace(':k1:', ':k2:'))
    await readsAsNothing(inner, store, victim, victim.value.replace(':k1:', ':k3:'))
    const salted = victim.value.replace(':k1::', ':k1:15.8.3.AAAAAAAAAAAAAAAAAAAAAA:')
    await readsAsNothing(inner, store, victim, salted)
  })

  test('a whole session that was copied under another name is refused', async () => {
    const { inner, stored } = await written()
    for (const { scope, name, value } of stored)
      if (scope === 'shop') await inner.write('copy', [{ name, value }])
    await expect(seal(inner).read('copy', ['session/a'])).rejects.toMatchObject({ code: 'RECORD_CORRUPT' })
  })

  test('a session whose creds were changed in any part, or moved, never opens, and never becomes another', async () => {
    const inner = memoryStore()
    const open = (store: Store, session = 'shop') => useAuthState(store, { session, baileys, logger: false })
    const auth = await open(seal(inner))
    await auth.saveCreds()
    await auth.close()
    const records = new Map<string, string>()
    for await (const page of inner.list('shop', { values: true }))
      for (const { name, value = '' } of page) if (!name.startsWith('!')) records.set(name, value)
    const [[name, value] = ['', '']] = records
    const step = Math.ceil(value.length / 60)
    for (let at = 0; at < value.length; at += at < 20 ? 1 : step) {
      const flipped = value.slice(0, at) + (value[at] === 'A' ? 'B' : 'A') + value.slice(at + 1)
      await inner.write('shop', [{ name, value: flipped }])
      await expect(open(seal(inner))).rejects.toMatchObject({
        code: expect.stringMatching(refusals.join('|')),
      })
    }
    await inner.write('shop', [{ name, value: value.replace('sealed:', 'Sealed:') }])
    await expect(open(seal(inner))).rejects.toMatchObject({ code: 'RECORD_CORRUPT' })
    await inner.write('thief', [{ name, value }])
    await expect(open(seal(inner), 'thief')).rejects.toMatchObject({ code: 'RECORD_CORRUPT' })
    await inner.write('shop', [{ name, value }])
    const again = await open(seal(inner))
    expect(again.state.creds.registrationId).toBe(auth.state.creds.registrationId)
    await again.close()
  })
})

test('what is neither sealed nor the beginning of JSON is a damaged record, and JSON is taken as it is', async () => {
  const inner = memoryStore()
  const store = sealed(inner, { keys: { k1: testKey(1) } })
  await store.write('shop', [{ name: 'session/a', value: text }])
  const [stored = ''] = await inner.read('shop', ['session/a'])
  const damaged = [
    '',
    `S${stored.slice(1)}`,
    stored.slice(1),
    `\u00a0${stored}`,
    `\u0000${stored}`,
    'ealed',
    '}',
    '+1',
  ]
  for (const value of damaged) {
    await inner.write('shop', [{ name: 'session/a', value }])
    await expect(store.read('shop', ['session/a'])).rejects.toMatchObject({ code: 'RECORD_CORRUPT' })
  }
  for (const value of [
    '{}',
    '[]',
    '"s"',
    '-1',
    '0',
    'true',
    'false',
    'null',
    ' 1',
    '\n\t\r{}',
    '["a","b"]\n{}',
  ]) {
    await inner.write('shop', [{ name: 'session/a', value }])
    expect(await store.read('shop', ['session/a'])).toEqual([value])
  }
})
