import { AuthStateError } from '../../src/errors.ts'
import { credsName } from '../../src/names.ts'
import type { Store } from '../../src/store.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { passThrough } from '../suite/pass-through.ts'
import { open, put, rejection } from './support/auth.ts'

/** A store that answers each batch of records by `refuse`, once it is told to. */
function refusing(refuse: (attempt: number) => Promise<never>, more: Partial<Store> = {}) {
  const inner = memoryStore()
  let attempts = 0
  let isRefusing = false
  const store: Store = {
    ...passThrough(inner),
    ...more,
    write(scope, changes, guards) {
      if (!isRefusing || !changes.some(({ name }) => name !== credsName && !name.startsWith('!')))
        return inner.write(scope, changes, guards)
      attempts += 1
      return refuse(attempts)
    },
  }
  return {
    store,
    begin: () => {
      isRefusing = true
    },
    attempts: () => attempts,
  }
}

test.each(['WRITE_FAILED', 'STORE_UNUSABLE'] as const)(
  'what a store refuses for good as %s is not repeated, and tells the socket',
  async code => {
    const refusal = new AuthStateError(code, 'It is read-only now.', { kind: 'test' })
    const { store, begin, attempts } = refusing(() => Promise.reject(refusal), {
      isPermanent: error => error === refusal,
    })
    const auth = await open(store, { retry: { forMs: 60_000 } })
    await put(auth, { a: '0' })
    begin()
    expect(await rejection(put(auth, { a: '1' }))).toMatchObject({ code })
    expect(attempts()).toBe(1)
    expect(auth.signal.reason).toMatchObject({ code, message: 'It is read-only now.' })
    await auth.close()
  },
)

test('a store that says why it fails is quoted, also when its last attempt had no time to answer', async () => {
  const locked = new AuthStateError('WRITE_FAILED', 'Another program holds its lock. End it.', {
    kind: 'test',
  })
  const { store, begin } = refusing(
    attempt => (attempt === 1 ? Promise.reject(locked) : new Promise(() => {})),
    { isPermanent: () => false },
  )
  const auth = await open(store, { retry: { forMs: 300 } })
  await put(auth, { a: '0' })
  begin()
  expect(await rejection(put(auth, { a: '1' }))).toMatchObject({
    code: 'WRITE_FAILED',
    message: 'Another program holds its lock. End it.',
  })
  await auth.close().catch(() => {})
})

test('a package that a store lacks is named by the TypeError that the store threw', async () => {
  const missing = new TypeError('The store needs the package x: npm install x')
  const store: Store = { ...passThrough(memoryStore()), open: () => Promise.reject(missing) }
  await expect(open(store)).rejects.toBe(missing)
})
