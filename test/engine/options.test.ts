import { EventEmitter } from 'node:events'
import * as baileys from '@whiskeysockets/baileys'
import { useAuthState, useMemoryAuthState, useMultiFileAuthState } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { open } from './support/auth.ts'

const wrong: readonly (readonly [name: string, options: unknown, words: RegExp])[] = [
  ['no options', undefined, /options must be an object/],
  ['a text for options', 'shop', /options must be an object/],
  ['a list for options', [], /options must be an object/],
  ['no session', {}, /'session' is required/],
  ['an empty session', { session: '' }, /'session' is required/],
  ['a number for session', { session: 7 }, /'session' is required/],
  ['a misspelt option', { session: 'a', retries: 1 }, /unknown option 'retries'.*retry/],
  ['a misspelt part', { session: 'a', lease: { ttl: 1 } }, /unknown option 'ttl' in lease.*ttlMs/],
  ['null for lease', { session: 'a', lease: null }, /'lease' takes an object/],
  ['a list for lease', { session: 'a', lease: [] }, /'lease' takes an object/],
  ['a ttlMs too short', { session: 'a', lease: { ttlMs: 99 } }, /'lease\.ttlMs' takes a number from 100/],
  ['a ttlMs too long', { session: 'a', lease: { ttlMs: 2 ** 40 } }, /'lease\.ttlMs' takes a number from 100/],
  ['NaN for ttlMs', { session: 'a', lease: { ttlMs: Number.NaN } }, /'lease\.ttlMs'/],
  ['a text for ttlMs', { session: 'a', lease: { ttlMs: '1000' } }, /'lease\.ttlMs'/],
  ['a negative waitMs', { session: 'a', lease: { waitMs: -1 } }, /'lease\.waitMs'/],
  ['null for waitMs', { session: 'a', lease: { waitMs: null } }, /'lease\.waitMs'/],
  [
    'another onHeld',
    { session: 'a', lease: { onHeld: 'steal' } },
    /'lease\.onHeld' takes 'wait' or 'takeOver'/,
  ],
  ['a number for retry', { session: 'a', retry: 5 }, /'retry' takes an object/],
  ['null for forMs', { session: 'a', retry: { forMs: null } }, /'retry\.forMs'/],
  ['a negative forMs', { session: 'a', retry: { forMs: -1 } }, /'retry\.forMs'/],
  ['a cache of no size', { session: 'a', cache: { maxBytes: '1' } }, /'cache\.maxBytes'/],
  ['a preload that is neither', { session: 'a', cache: { preload: 1 } }, /'cache\.preload'/],
  ['a number for cache', { session: 'a', cache: 5 }, /'cache' takes an object/],
  ['true for logger', { session: 'a', logger: true }, /'logger' takes a logger/],
  ['null for logger', { session: 'a', logger: null }, /'logger' takes a logger/],
  ['half a logger', { session: 'a', logger: { warn: () => {} } }, /'logger' takes a logger/],
  ['something else for baileys', { session: 'a', baileys: {} }, /`baileys`/],
]

test.each(wrong)('%s is a TypeError that names it', async (_, options, words) => {
  // Wrong on purpose, as from JavaScript.
  const call = useAuthState(memoryStore(), options as never)
  await expect(call).rejects.toMatchObject({ name: 'TypeError', message: expect.stringMatching(words) })
})

test.each([undefined, null, {}, { read: () => {} }, 'redis://localhost'])(
  'a store that is none is a TypeError: %p',
  async store => {
    // Wrong on purpose, as from JavaScript.
    const call = useAuthState(store as never, { session: 'a' })
    await expect(call).rejects.toMatchObject({
      name: 'TypeError',
      message: expect.stringContaining('a store first'),
    })
  },
)

test('wrong options of bind are TypeErrors that name them', async () => {
  const auth = await open(memoryStore())
  const bind = (options: unknown) => () => auth.bind(new EventEmitter(), options as never)
  expect(bind({ onLoggedOut: 'delete' })).toThrow(/'onLoggedOut' takes 'keep' or 'remove'/)
  expect(bind({ onFatal: 'exit' })).toThrow(/'onFatal' takes a function/)
  expect(bind({ onfatal: () => {} })).toThrow(/unknown option 'onfatal'.*onFatal/)
  await auth.close()
})

test('all options at once, and the outermost values of each, are taken', async () => {
  const log = () => {}
  const auth = await useMemoryAuthState({
    session: 'ü/..',
    logger: { debug: log, info: log, warn: log, error: log },
    cache: { maxBytes: 0 },
    lease: { ttlMs: 86_400_000, waitMs: Number.POSITIVE_INFINITY, onHeld: 'takeOver' },
    retry: { forMs: Number.POSITIVE_INFINITY },
    baileys,
  })
  expect(auth.session).toBe('ü/..')
  await auth.saveCreds()
  await auth.close()
})

test.each([
  [{ session: 'a' }, /unknown option 'session'.*durability/],
  [{ durability: 'none' }, /'full' or 'relaxed'/],
])('on files, where the folder is the session, %p is a TypeError', (options, message) => {
  expect(() => useMultiFileAuthState('never-made', options as never)).toThrow(message)
})
