import * as baileys from '@whiskeysockets/baileys'
import { useAuthState } from '../../src/auth-state.ts'
import type { Change, Store } from '../../src/store.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { sealed } from '../../src/stores/sealed.ts'
import { testKey } from './sealed-backend.ts'

/** A store that remembers every name and text that ever came to it: of reads, too, since servers log what they are asked. */
function eavesdropped(store: Store): { readonly store: Store; readonly heard: string[] } {
  const heard: string[] = []
  const hear = (changes: readonly Change[]) => {
    for (const { name, value } of changes) heard.push(name, value ?? '')
  }
  return {
    heard,
    store: {
      kind: store.kind,
      identity: store.identity,
      durability: store.durability,
      limits: store.limits,
      open: () => store.open(),
      async read(scope, names) {
        heard.push(...names)
        return store.read(scope, names)
      },
      async write(scope, changes, guards = []) {
        hear(changes)
        hear(guards)
        return store.write(scope, changes, guards)
      },
      list(scope, options) {
        heard.push(options?.prefix ?? '')
        return store.list(scope, options)
      },
      scopes: prefix => store.scopes(prefix),
      remove: (scope, guards) => store.remove(scope, guards),
      close: () => store.close(),
    },
  }
}

const phone = '5511987654321'
const group = '120363025246125486@g.us'

test.each([false, true])(
  'with hideNames: %s, nothing that a session holds can be heard at the store',
  async hideNames => {
    const { store: inner, heard } = eavesdropped(memoryStore())
    const secrets: Buffer[] = []
    const secret = () => {
      const bytes = Buffer.from(Array.from({ length: 32 }, (_, at) => (at * 37 + secrets.length * 101) & 255))
      secrets.push(bytes)
      return bytes
    }
    for (let round = 0; round < 2; round++) {
      const store = sealed(inner, { keys: { k1: testKey(1) }, hideNames })
      const auth = await useAuthState(store, { session: 'shop', baileys, logger: false })
      const { creds, keys } = auth.state
      creds.me = { id: `${phone}:1@s.whatsapp.net`, name: 'The name of the shop' }
      creds.advSecretKey = secret().toString('base64')
      await auth.saveCreds()
      await keys.set({
        session: { [`${phone}.0`]: secret() },
        'sender-key': { [`${group}::${phone}::0`]: secret() },
        'pre-key': { 1: { public: secret(), private: secret() } },
        'lid-mapping': { [phone]: 'a lid of somebody' },
      })
      await keys.get('session', [`${phone}.0`, `${phone}.1`])
      await keys.set({ session: { [`${phone}.0`]: null } })
      for await (const _ of keys.list('lid-mapping')) {
        // Read.
      }
      for (const pair of [creds.noiseKey, creds.signedIdentityKey, creds.pairingEphemeralKeyPair])
        secrets.push(Buffer.from(pair.private), Buffer.from(pair.public))
      await auth.close()
    }
    const all = heard.join('\n')
    expect(all).toContain('sealed:1')
    const texts = ['The name of the shop', 'a lid of somebody', 'noiseKey', 'registrationId', 'private']
    for (const text of texts) {
      expect(all).not.toContain(text)
      expect(all).not.toContain(Buffer.from(text).toString('base64').slice(0, 8))
      expect(all).not.toContain(Buffer.from(text).toString('hex'))
    }
    for (const bytes of secrets) {
      expect(all).not.toContain(bytes.toString('base64').slice(0, 30))
      expect(all).not.toContain(bytes.toString('hex'))
      expect(all).not.toContain(bytes.toString('latin1'))
    }
    const names = [phone, '120363025246125486', 'lid-mapping', 'session/', 'pre-key', 'sender-key', 'creds']
    for (const name of names) {
      if (!hideNames) expect(all).toContain(name)
      else {
        expect(all).not.toContain(name)
        expect(all).not.toContain(Buffer.from(name).toString('base64').slice(0, 6))
        expect(all).not.toContain(Buffer.from(name).toString('hex'))
      }
    }
  },
)

test('the same record, written twice, looks different each time, and two equal ones differ', async () => {
  const inner = memoryStore()
  const store = sealed(inner, { keys: { k1: testKey(1) } })
  const texts = new Set<unknown>()
  for (let round = 0; round < 3; round++) {
    await store.write('shop', [
      { name: 'session/a', value: '"same"' },
      { name: 'session/b', value: '"same"' },
    ])
    for (const text of await inner.read('shop', ['session/a', 'session/b'])) texts.add(text)
  }
  expect(texts.size).toBe(6)
})

test('hidden names of two sessions, or under two keys, have nothing in common', async () => {
  const inner = memoryStore()
  const hidden = new Set<string>()
  for (const [scope, keys] of [
    ['shop', { k1: testKey(1) }],
    ['other', { k1: testKey(1) }],
    ['third', { k1: testKey(2) }],
  ] as const) {
    await sealed(inner, { keys, hideNames: true }).write(scope, [{ name: 'session/a', value: '"a"' }])
    for await (const page of inner.list(scope, { prefix: 'hidden/' }))
      for (const { name } of page) hidden.add(name.slice(-64))
  }
  expect(hidden.size).toBe(3)
})
