import { EventEmitter } from 'node:events'
import type { ConnectionUpdate } from '../../src/auth-types.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { sharedStore } from './shared-store/shared-store.ts'
import { SharedStoreServer } from './shared-store/shared-store-server.ts'
import { aborted, open, put, rejection, scope, until } from './support/auth.ts'

function closedWith(statusCode: number): ConnectionUpdate {
  const error = Object.assign(new Error('closed'), { output: { statusCode } })
  return { connection: 'close', lastDisconnect: { error, date: new Date() } }
}

function logOf(lines: string[]) {
  const log = (details: unknown, message?: string) => lines.push(`${Object(details).code}: ${message}`)
  return { debug: log, info: log, warn: log, error: log }
}

test('bind saves creds at every creds.update, until it is undone', async () => {
  const store = memoryStore()
  const auth = await open(store)
  const ev = new EventEmitter()
  const undo = auth.bind(ev)
  auth.state.creds.nextPreKeyId = 12
  ev.emit('creds.update', {})
  await auth.flush()
  expect((await store.read(scope, ['creds']))[0]).toContain('"nextPreKeyId":12')
  undo()
  expect(ev.eventNames()).toEqual([])
  await auth.close()
})

test('rule 16: a logout keeps the session and says so; onLoggedOut: remove removes it', async () => {
  const store = memoryStore()
  const lines: string[] = []
  const auth = await open(store, { logger: logOf(lines) })
  await put(auth, { a: '1' })
  const ev = new EventEmitter()
  const undo = auth.bind(ev)
  ev.emit('connection.update', { connection: 'open' })
  ev.emit('connection.update', closedWith(428))
  expect(lines).toEqual([])
  ev.emit('connection.update', closedWith(401))
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(/^LOGGED_OUT: .*kept.*remove\(\)/)
  await put(auth, { a: '2' })
  undo()

  const fatal: Error[] = []
  auth.bind(ev, { onLoggedOut: 'remove', onFatal: error => fatal.push(error) })
  ev.emit('connection.update', closedWith(428))
  expect(auth.signal.aborted).toBe(false)
  ev.emit('connection.update', closedWith(401))
  ev.emit('creds.update', {})
  expect(await aborted(auth)).toBe('SESSION_REMOVED')
  expect(await store.read(scope, ['creds'])).toEqual([undefined])
  expect(fatal).toEqual([])
})

test('rule 16: a removal that fails at logout is told in the log', async () => {
  await using server = await SharedStoreServer.start()
  const lines: string[] = []
  const auth = await open(sharedStore(server.url), { logger: logOf(lines), retry: { forMs: 1_000 } })
  server.refuse(({ method }) => method === 'remove', 'ECONNREFUSED')
  const ev = new EventEmitter()
  auth.bind(ev, { onLoggedOut: 'remove' })
  ev.emit('connection.update', closedWith(401))
  await until(() => lines.length > 0)
  expect(lines[0]).toMatch(/^SESSION_NOT_REMOVED: /)
  await auth.close()
})

test('onFatal hears of a lost lease, also when bound after it, and not of what the bot asked for itself', async () => {
  await using server = await SharedStoreServer.start()
  const codes: unknown[] = []
  const onFatal = (error: Error) => codes.push(Object(error).code)

  const closed = await open(sharedStore(server.url))
  closed.bind(new EventEmitter(), { onFatal })
  await closed.close()
  const removed = await open(sharedStore(server.url))
  removed.bind(new EventEmitter(), { onFatal })
  await removed.remove()
  expect(codes).toEqual([])

  const lost = await open(sharedStore(server.url))
  lost.bind(new EventEmitter(), { onFatal })
  const taker = await open(sharedStore(server.url, { as: 'taker' }), { lease: { onHeld: 'takeOver' } })
  await rejection(put(lost, { a: '1' }))
  expect(codes).toEqual(['LEASE_LOST'])
  lost.bind(new EventEmitter(), { onFatal })
  expect(codes).toEqual(['LEASE_LOST', 'LEASE_LOST'])

  const gone = taker
  gone.bind(new EventEmitter(), { onFatal })
  await server.data.remove(scope)
  await rejection(put(gone, { a: '1' }))
  expect(codes).toEqual(['LEASE_LOST', 'LEASE_LOST', 'SESSION_REMOVED'])
})

test('a socket that has closed is no longer told, and a hundred of them leave no listener', async () => {
  await using server = await SharedStoreServer.start()
  const warnings: Error[] = []
  const onWarning = (warning: Error) => warnings.push(warning)
  process.on('warning', onWarning)
  const auth = await open(sharedStore(server.url))
  const codes: unknown[] = []
  for (let socket = 0; socket < 100; socket++) {
    const ev = new EventEmitter()
    auth.bind(ev, { onFatal: () => codes.push(socket) })
    if (socket < 50) ev.emit('connection.update', closedWith(428))
  }
  const taker = await open(sharedStore(server.url, { as: 'taker' }), { lease: { onHeld: 'takeOver' } })
  await rejection(put(auth, { a: '1' }))
  expect(codes).toHaveLength(50)
  expect(codes[0]).toBe(50)
  await new Promise(resolve => setImmediate(resolve))
  process.off('warning', onWarning)
  expect(warnings).toEqual([])
  await taker.close()
})
