import { Boom, isBoom } from '@hapi/boom'
import { jest } from '@jest/globals'
import * as baileys from '@whiskeysockets/baileys'
import { useAuthState } from '../../src/auth-state.ts'
import { encode } from '../../src/buffer-json.ts'
import { AuthStateError, isAuthStateError } from '../../src/errors.ts'
import { createLog } from '../../src/log.ts'
import { fenceName, scopeOf } from '../../src/names.ts'
import { newFence } from '../../src/session/fence.ts'
import type { Store } from '../../src/store.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { failingStore } from '../suite/failing-store.ts'
import { passThrough } from '../suite/pass-through.ts'
import { permanentCode, sharedStore } from './shared-store/shared-store.ts'
import { isBatch, SharedStoreServer } from './shared-store/shared-store-server.ts'
import { nameOf, open, pick, put, rejection, scope, session, until } from './support/auth.ts'

const number = '4915112345678'

async function caught(promise: Promise<unknown>): Promise<AuthStateError> {
  const error: unknown = await promise.then(
    () => undefined,
    reason => reason,
  )
  if (!isAuthStateError(error)) throw new Error(`not an AuthStateError: ${error}`)
  return error
}

/** Every text that a logger that prints enumerable properties would print. */
function printed(error: unknown): string {
  return JSON.stringify(error, (_, value) =>
    typeof value === 'object' && value !== null && 'message' in value
      ? { ...value, message: value.message }
      : value,
  )
}

test('rule 15: without a logger, warnings and errors are process warnings, one a minute for each code', async () => {
  const emitted = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const now = performance.now.bind(performance)
  let laterMs = 0
  const clock = jest.spyOn(performance, 'now').mockImplementation(() => now() + laterMs)
  try {
    const log = createLog(undefined, { kind: 'memory', session })
    for (let turn = 0; turn < 3; turn++) log.error('ONE_CODE', 'taken')
    log.warn('OTHER_CODE', 'away')
    expect(emitted.mock.calls).toEqual([
      ['taken', { type: 'BaileysAuthkitWarning', code: 'ONE_CODE' }],
      ['away', { type: 'BaileysAuthkitWarning', code: 'OTHER_CODE' }],
    ])
    laterMs = 59_000
    log.error('ONE_CODE', 'taken')
    laterMs = 61_000
    log.error('ONE_CODE', 'taken again')
    expect(emitted).toHaveBeenCalledTimes(3)
  } finally {
    emitted.mockRestore()
    clock.mockRestore()
  }
})

test('rule 15: a drop-in’s user sees LEASE_LOST; with logger: false nothing is said', async () => {
  await using server = await SharedStoreServer.start()
  const emitted = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
  try {
    for (const logger of [false, undefined] as const) {
      const store = sharedStore(server.url)
      const options = { session, baileys, ...(logger === undefined ? {} : { logger }) }
      const auth = await useAuthState(store, options)
      const taker = await open(sharedStore(server.url, { as: 'taker' }), { lease: { onHeld: 'takeOver' } })
      expect(await rejection(put(auth, { a: '1' }))).toMatchObject({ code: 'LEASE_LOST' })
      await taker.close()
      expect(emitted).toHaveBeenCalledTimes(logger === false ? 0 : 1)
    }
    const [message, details] = emitted.mock.calls[0] ?? []
    expect(message).toMatch(/taken over by process \d+ on host/)
    expect(details).toMatchObject({ code: 'LEASE_LOST' })
  } finally {
    emitted.mockRestore()
  }
})

test('rule 15: a wait of over a second is told once, with the holder and the time that is left', async () => {
  const store = memoryStore()
  const fence = { ...newFence(scope, session, 'another', 60_000), host: 'elsewhere.example', pid: 4711 }
  await store.write(scope, [{ name: fenceName, value: JSON.stringify(fence) }])
  const warnings: string[] = []
  const log = (details: unknown, message?: string) => warnings.push(`${Object(details).code}: ${message}`)
  const logger = { debug: log, info: log, warn: log, error: log }
  const opening = open(store, { logger })
  await until(() => warnings.length > 0)
  // Three more looks at the fence.
  await new Promise(resolve => setTimeout(resolve, 1_000))
  expect(warnings).toHaveLength(1)
  const [, seconds] =
    /^SESSION_IN_USE: .*process 4711 on host "elsewhere.example".* for (\d+) s more\.$/.exec(
      warnings[0] ?? '',
    ) ?? []
  expect(Number(seconds)).toBeGreaterThan(0)
  expect(Number(seconds)).toBeLessThan(30)
  await store.remove(scope)
  await (await opening).close()
})

test('rule 15: no error and no log line carries a value or a record’s name in what is printed of it', async () => {
  await using server = await SharedStoreServer.start()
  const lines: string[] = []
  const log = (details: unknown, message?: string) => lines.push(`${printed(details)} ${message}`)
  const logger = { debug: log, info: log, warn: log, error: log }
  const errors: AuthStateError[] = []

  const auth = await open(sharedStore(server.url, { limits: { batchBytes: 20_000 } }), {
    logger,
    retry: { forMs: 1_000 },
  })
  await put(auth, { [number]: 'secret' })
  errors.push(await caught(put(auth, { [number]: 'secret'.repeat(10_000) })))
  server.refuse(isBatch, permanentCode, 1)
  errors.push(await caught(put(auth, { [number]: 'secret' })))
  const away = server.refuse(isBatch, 'ECONNREFUSED')
  errors.push(await caught(put(auth, { [number]: 'secret' })))
  away.undo()
  await auth.close()

  const driver = Object.assign(new Error(`duplicate key ${nameOf(number)}: secret`), {
    detail: `${number} secret`,
    code: '23505',
  })
  const memory = memoryStore()
  const quoting: Store = {
    ...passThrough(memory),
    read: () => Promise.reject(driver),
    isPermanent: () => false,
  }
  errors.push(await caught(open(quoting, { logger, retry: { forMs: 100 } })))
  const failing: Store = {
    ...passThrough(memory),
    write: (of, changes, guards) =>
      changes.some(({ name }) => name === nameOf(number))
        ? Promise.reject(driver)
        : memory.write(of, changes, guards),
  }
  const unlucky = await open(failing, { logger, retry: { forMs: 100 } })
  errors.push(await caught(put(unlucky, { [number]: 'secret' })))
  await unlucky.close().catch(() => {})

  await memory.write(scopeOf('corrupt'), [
    { name: nameOf(number), value: 'secret{' },
    { name: 'creds', value: encode(baileys.initAuthCreds()) },
  ])
  const corrupt = await open(memory, { session: 'corrupt', logger })
  const unreadable = await caught(pick(corrupt, number))
  errors.push(unreadable)
  expect(Object(unreadable).record).toBe(nameOf(number))
  await corrupt.close()

  for (const error of errors) {
    expect(error.message).not.toContain(number)
    expect(error.message).not.toContain('secret')
    expect(printed({ ...error })).not.toMatch(/4915112345678|secret/)
    expect(error.kind).toBeDefined()
    expect(error.session).toBeDefined()
  }
  expect(lines.length).toBeGreaterThan(0)
  for (const line of lines) expect(line).not.toMatch(/4915112345678|secret/)
})

test('every error says what to do, and its status makes no bot delete the session', async () => {
  const errors: AuthStateError[] = []
  const harmful = [401, 403, 411, 500, 515]

  const bare = memoryStore()
  await bare.write(scope, [{ name: nameOf('a'), value: '"x"' }])
  errors.push(await caught(open(bare)))
  expect(errors.at(-1)?.code).toBe('CREDS_MISSING')

  for (const value of ['', 'not json', '{}', '[]', 'null', '"text"', '{"noiseKey":{}}']) {
    const store = memoryStore()
    await store.write(scope, [{ name: 'creds', value }])
    errors.push(await caught(open(store)))
    expect(errors.at(-1)?.code).toBe('RECORD_CORRUPT')
    expect(await store.read(scope, ['creds'])).toEqual([value])
  }

  for (const [value, code] of [
    ['{"v":2}', 'SCHEMA_NEWER'],
    ['?', 'RECORD_CORRUPT'],
    ['{}', 'RECORD_CORRUPT'],
    ['{"v":1}', 'RECORD_CORRUPT'],
  ] as const) {
    const store = memoryStore()
    await store.write(scope, [{ name: fenceName, value }])
    errors.push(await caught(open(store)))
    expect(errors.at(-1)?.code).toBe(code)
  }

  const away = failingStore(memoryStore())
  away.fail('read')
  errors.push(await caught(open(away, { retry: { forMs: 50 } })))
  expect(errors.at(-1)?.code).toBe('READ_FAILED')

  for (const error of errors) {
    expect(harmful).not.toContain(error.output.statusCode)
    expect(error.message).toMatch(/Check|Restore|Update|Make sure|mend/)
  }
})

test('a call is named for what it was, whichever of the store’s calls failed for it', async () => {
  const memory = memoryStore()
  let isAway = false
  const refuse = (code: 'READ_FAILED' | 'WRITE_FAILED') => {
    if (isAway) throw new AuthStateError(code, 'The server could not be reached.', { kind: memory.kind })
  }
  const store: Store = {
    ...passThrough(memory),
    read: async (of, names) => {
      refuse('WRITE_FAILED')
      return memory.read(of, names)
    },
    write: async (of, changes, guards) => {
      refuse('READ_FAILED')
      return memory.write(of, changes, guards)
    },
  }
  const auth = await open(store, { retry: { forMs: 100 } })
  await put(auth, { a: '1' })
  isAway = true
  const calls = [pick(auth, 'b'), put(auth, { a: '2' })]
  const codes = (await Promise.all(calls.map(rejection))).map(({ code }) => code)
  expect(codes).toEqual(['READ_FAILED', 'WRITE_FAILED'])
  isAway = false
  await auth.close()
})

test('creds that can’t be encoded are told in the log, and the rejection says why', async () => {
  const lines: string[] = []
  const log = (details: unknown, message?: string) => lines.push(`${Object(details).code}: ${message}`)
  const auth = await open(memoryStore(), { logger: { debug: log, info: log, warn: log, error: log } })
  const creds: { additionalData?: unknown } = auth.state.creds
  creds.additionalData = { big: 1n }
  await expect(auth.saveCreds()).rejects.toMatchObject({ name: 'TypeError' })
  expect(lines[0]).toMatch(/^CREDS_NOT_ENCODED: /)
  delete creds.additionalData
  await auth.saveCreds()
  await auth.close()
})

test('unpaired creds never overwrite paired ones, and the log says so', async () => {
  const lines: string[] = []
  const log = (details: unknown, message?: string) => lines.push(`${Object(details).code}: ${message}`)
  const auth = await open(memoryStore(), { logger: { debug: log, info: log, warn: log, error: log } })
  auth.state.creds.account = { details: new Uint8Array([1]) }
  await auth.saveCreds()
  delete auth.state.creds.account
  expect(await rejection(auth.saveCreds())).toMatchObject({ code: 'CREDS_UNPAIRED' })
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(/^CREDS_UNPAIRED: .*remove\(\)/)
  await auth.close()
})

test.each([
  ['SESSION_IN_USE', 409],
  ['SESSION_REMOVED', 410],
  ['LEASE_LOST', 440],
  ['CREDS_MISSING', 422],
  ['WRITE_FAILED', 503],
] as const)('%s is a Boom, as the package of that name makes them', (code, statusCode) => {
  const error = new AuthStateError(code, 'What to do.', { kind: 'memory', session: 'a' })
  const boom = new Boom('What to do.', { statusCode })
  expect(error).toBeInstanceOf(Error)
  expect(error).toBeInstanceOf(Boom)
  expect(isBoom(error, statusCode)).toBe(true)
  for (const property of ['output', 'isServer', 'data', 'message'] as const)
    expect(error[property]).toEqual(boom[property])
})
