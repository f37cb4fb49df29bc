import { setTimeout as sleep } from 'node:timers/promises'
import { EchoClient, type EchoServer, startEchoServer } from './echo-server.ts'
import { containing, TcpProxy } from './tcp-proxy.ts'

let server: EchoServer
let proxy: TcpProxy

beforeEach(async () => {
  server = await startEchoServer()
  proxy = await TcpProxy.start(server.address)
})

afterEach(async () => {
  await proxy[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** Long enough for bytes to arrive on the loopback interface, if they are on their way. */
const soonMs = 50

test('what goes through is handed on and counted', async () => {
  const client = await EchoClient.to(proxy.port)
  expect(await client.ask('one')).toBe('echo one')
  expect(await client.ask('two')).toBe('echo two')
  expect(proxy.traffic).toEqual({ connections: 1, bytesToServer: 6, bytesToClient: 16, turns: 2 })
  const counted = proxy.count(containing('re'))
  const traffic = await proxy.during(() => client.ask('three'))
  await client.ask('four')
  expect(counted.count).toBe(1)
  counted.undo()
  await client.ask('are')
  expect(counted.count).toBe(1)
  expect(traffic).toEqual({ connections: 0, bytesToServer: 5, bytesToClient: 10, turns: 1 })
})

test('a text is recognised as it is, in base64 wherever it stands, and in hexadecimal', () => {
  const isAsked = containing('stalled')
  for (const sent of ['stalled', '"stalled"', '..stalled?', '...stalled', '....stalled.']) {
    for (const encoding of ['utf8', 'base64', 'hex'] as const) {
      expect(isAsked(Buffer.from(Buffer.from(sent).toString(encoding)))).toBe(true)
    }
  }
  for (const encoding of ['utf8', 'base64', 'hex'] as const) {
    expect(isAsked(Buffer.from(Buffer.from('"stall-ed"').toString(encoding)))).toBe(false)
  }
})

test('a turn is what a client sends until the server has answered, in however many pieces', async () => {
  const hold = proxy.hold()
  const client = await EchoClient.to(proxy.port)
  client.send('a')
  await hold.met
  client.send('b')
  await sleep(soonMs)
  client.send('c')
  await sleep(soonMs)
  expect(proxy.traffic.turns).toBe(1)
  await hold.deliver()
  await sleep(soonMs)
  await client.ask('d')
  expect(proxy.traffic.turns).toBe(2)
})

test('a URL leads to the proxy wherever it names an address behind it, and nowhere else', async () => {
  const { port } = server.address
  const other = await TcpProxy.start(server.address, { host: '127.0.0.1', port: 1 })
  const [first, second] = other.ports
  expect(other.url(`postgres://me:127@127.0.0.1:${port}/db?x=127.0.0.1`)).toBe(
    `postgres://me:127@127.0.0.1:${first}/db?x=127.0.0.1`,
  )
  expect(other.url(`some://127.0.0.1:1,127.0.0.1:${port},127.0.0.1:11`)).toBe(
    `some://127.0.0.1:${second},127.0.0.1:${first},127.0.0.1:11`,
  )
  expect(() => other.url(`redis://127.0.0.1:${port}0/`)).toThrow('none of the addresses')
  await other[Symbol.asyncDispose]()
})

test('several addresses stand behind ports of their own', async () => {
  await using second = await startEchoServer()
  await using both = await TcpProxy.start(server.address, second.address)
  const [toFirst = 0, toSecond = 0] = both.ports
  await (await EchoClient.to(toFirst)).ask('one')
  await (await EchoClient.to(toSecond)).ask('two')
  expect([server.heard(), second.heard()]).toEqual(['one', 'two'])
  expect(both.traffic.connections).toBe(2)
})

test('a cut ends every connection, and a new one works', async () => {
  const clients = [await EchoClient.to(proxy.port), await EchoClient.to(proxy.port)]
  for (const client of clients) await client.ask('a')
  proxy.cut()
  expect(await Promise.all(clients.map(client => client.ended))).toEqual(['ECONNRESET', 'ECONNRESET'])
  expect(await (await EchoClient.to(proxy.port)).ask('b')).toBe('echo b')
})

test('a cut before a request leaves the server without a byte of it, and happens once', async () => {
  const client = await EchoClient.to(proxy.port)
  await client.ask('first')
  const fault = proxy.cutBefore(containing('second'))
  await client.ask('other')
  client.send('second')
  await fault.met
  expect(await client.ended).toBe('ECONNRESET')
  await sleep(soonMs)
  expect(server.heard()).toBe('firstother')
  expect(await (await EchoClient.to(proxy.port)).ask('second')).toBe('echo second')
})

test('a cut within a request lets exactly so many bytes of it pass, over all its pieces', async () => {
  const client = await EchoClient.to(proxy.port)
  const fault = proxy.cutWithin(6, containing('one'))
  client.send('one.')
  await sleep(soonMs)
  client.send('two.')
  await fault.met
  expect(await client.ended).toBe('ECONNRESET')
  await sleep(soonMs)
  expect(server.heard()).toBe('one.tw')
})

test('a cut after a request happens when the server has done it, and keeps the answer', async () => {
  const client = await EchoClient.to(proxy.port)
  const fault = proxy.cutAfter(containing('one'))
  client.send('one')
  await fault.met
  expect(server.heard()).toBe('one')
  expect(await client.ended).toBe('ECONNRESET')
  expect(client.heard).toBe('')
})

test('when a fault has been met, the network can go before anything else happens', async () => {
  const client = await EchoClient.to(proxy.port)
  const bystander = await EchoClient.to(proxy.port)
  const fault = proxy.cutAfter(containing('one'))
  void fault.met.then(() => proxy.down())
  client.send('one')
  expect(await bystander.ended).toBe('ECONNRESET')
  await expect(EchoClient.to(proxy.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('a fault that was undone befalls nothing', async () => {
  const client = await EchoClient.to(proxy.port)
  proxy.cutBefore().undo()
  expect(await client.ask('a')).toBe('echo a')
})

test('a held request reaches the server when it is delivered, though its client is gone', async () => {
  const client = await EchoClient.to(proxy.port)
  const hold = proxy.hold(containing('late'))
  client.send('late')
  await hold.met
  client.send('r')
  await sleep(soonMs)
  hold.abandon()
  expect(await client.ended).toBe('ECONNRESET')
  expect(await (await EchoClient.to(proxy.port)).ask('next')).toBe('echo next')
  expect(server.heard()).toBe('next')
  await hold.deliver()
  expect(server.heard()).toBe('nextlater')
})

test('a fault whose connection ends before it could be met befalls the next one', async () => {
  const short = await EchoClient.to(proxy.port)
  const fault = proxy.cutWithin(5)
  expect(await short.ask('abc')).toBe('echo abc')
  short.close()
  await short.ended
  await sleep(soonMs)
  const next = await EchoClient.to(proxy.port)
  next.send('a longer one')
  await fault.met
  expect(await next.ended).toBe('ECONNRESET')
  expect(await (await EchoClient.to(proxy.port)).ask('again and again')).toBe('echo again and again')
})

test('a held request of which only a part may pass is delivered without an answer', async () => {
  const client = await EchoClient.to(proxy.port)
  proxy.cutWithin(5)
  expect(await client.ask('abc')).toBe('echo abc')
  const hold = proxy.hold()
  client.send('defgh')
  await hold.met
  await hold.deliver()
  expect(await client.ended).toBe('ECONNRESET')
})

test('a held request that is dropped never arrives', async () => {
  const client = await EchoClient.to(proxy.port)
  const hold = proxy.hold()
  client.send('a')
  await hold.met
  hold.drop()
  expect(await client.ended).not.toBe('')
  await sleep(soonMs)
  expect(server.heard()).toBe('')
})

test('a cut of all leaves what is held to be delivered', async () => {
  const client = await EchoClient.to(proxy.port)
  const hold = proxy.hold()
  client.send('a')
  await hold.met
  proxy.cut()
  await client.ended
  await hold.deliver()
  expect(server.heard()).toBe('a')
})

test('delays come to both directions, and keep the order when they change', async () => {
  const client = await EchoClient.to(proxy.port)
  await client.ask('a')
  proxy.delayMs = 100
  client.send('b')
  await sleep(10)
  proxy.delayMs = 40
  client.send('c')
  await sleep(10)
  proxy.delayMs = 0
  client.send('d')
  while (!client.heard.endsWith('d')) await sleep(5)
  expect(server.heard()).toBe('abcd')
  expect(client.heard.replaceAll('echo ', '')).toBe('abcd')
  proxy.delayMs = 100
  const askedAt = performance.now()
  await client.ask('e')
  // Timers may ring a millisecond early.
  expect(performance.now() - askedAt).toBeGreaterThanOrEqual(198)
})

test('a stall keeps all in silence, of connections old and new, until it is released', async () => {
  const old = await EchoClient.to(proxy.port)
  await old.ask('a')
  proxy.stall()
  const late = await EchoClient.to(proxy.port)
  old.send('b')
  late.send('c')
  await sleep(soonMs)
  expect(server.heard()).toBe('a')
  late.close()
  await sleep(soonMs)
  proxy.release()
  while (server.heard().length < 3 || !old.heard.endsWith('b')) await sleep(5)
  // Also the bytes of the one that gave up.
  expect(Array.from(server.heard()).sort().join('')).toBe('abc')
  expect(old.heard).toBe('echo aecho b')
  expect(await old.ask('d')).toBe('echo d')
})

test('a stall that is dropped ends what it held', async () => {
  const client = await EchoClient.to(proxy.port)
  proxy.stall()
  client.send('a')
  await sleep(soonMs)
  proxy.drop()
  await client.ended
  expect(server.heard()).toBe('')
  expect(await (await EchoClient.to(proxy.port)).ask('b')).toBe('echo b')
})

test('new connections are refused, at the same port, until they are taken again', async () => {
  const client = await EchoClient.to(proxy.port)
  await client.ask('a')
  proxy.refuse()
  await expect(EchoClient.to(proxy.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  expect(await client.ask('b')).toBe('echo b')
  const { port } = proxy
  await proxy.up()
  expect(proxy.port).toBe(port)
  expect(await (await EchoClient.to(port)).ask('c')).toBe('echo c')
})

test('where the server is gone, so is the connection', async () => {
  const client = await EchoClient.to(proxy.port)
  await client.ask('a')
  await server[Symbol.asyncDispose]()
  expect(await client.ended).toBe('end')
  const next = await EchoClient.to(proxy.port)
  expect(await next.ended).toBe('ECONNRESET')
})

test('when all is mended, nothing of any fault is left', async () => {
  const { port } = proxy
  proxy.cutBefore()
  proxy.hold()
  proxy.delayMs = 60_000
  proxy.stall()
  proxy.down()
  await proxy.mend()
  await proxy.mend()
  expect(await (await EchoClient.to(port)).ask('a')).toBe('echo a')
})
