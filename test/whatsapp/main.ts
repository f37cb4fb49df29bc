import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { serverEnvironment } from './preload-environment.ts'
import { WhatsAppServer } from './server.ts'

/**
 * The server as a process of its own. It prints one line of JSON when it listens, then one for each event, and takes
 * one command a line: `{"id":1,"command":"scan","arguments":["2@...","15550001"]}` is answered by
 * `{"id":1,"result":"15550001:1@s.whatsapp.net"}` or `{"id":1,"error":"..."}`. It ends with its standard input.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } })
  const server = await WhatsAppServer.start({ port: Number(values.port) })
  const { url, root } = server
  print({ event: 'listening', data: { url, root, environment: serverEnvironment(server) } })
  for (const event of events) server.on(event, (data: unknown) => print({ event, data }))
  const lines = createInterface({ input: process.stdin })
  lines.on('line', line => void answer(server, line))
  lines.on('close', () => void server.stop())
}

const events = [
  'paired',
  'login',
  'refused',
  'live',
  'keys',
  'message',
  'receipt',
  'answered',
  'close',
] as const

type Arguments = readonly [string, string]

const commands: { readonly [command: string]: (server: WhatsAppServer, args: Arguments) => unknown } = {
  scan: (server, [qr, number]) => server.scan(qr, number),
  enterCode: (server, [code, number]) => server.enterCode(code, number),
  createGroup: (server, [members, addressing]) =>
    server.createGroup(members.split(','), { addressing: addressing === 'lid' ? 'lid' : 'pn' }),
  close: (server, [jid, code]) => server.close(jid, Number(code)),
  fail: (server, [jid, reason]) => server.fail(jid, Number(reason)),
  refuse: (server, [jid, reason]) => server.refuse(jid, reason ? Number(reason) : undefined),
  drop: (server, [jid]) => server.drop(jid),
  logOut: (server, [jid]) => server.logOut(jid),
  delay: (server, [ms]) => server.delay(Number(ms)),
  online: server => server.online(),
  counts: server => server.counts,
  preKeysLeft: (server, [jid]) => server.preKeysLeft(jid),
  waiting: (server, [jid]) => server.waiting(jid),
  untilAnswered: (server, [jid]) => server.untilAnswered(jid),
}

async function answer(server: WhatsAppServer, line: string): Promise<void> {
  // What stands on the line is written by this repository's own RemoteServer.
  const {
    id,
    command,
    arguments: args,
  } = JSON.parse(line) as { id: number; command: string; arguments: Arguments }
  try {
    const run = commands[command]
    if (!run) throw new Error(`no command "${command}"`)
    print({ id, result: (await run(server, args)) ?? null })
  } catch (error) {
    print({ id, error: error instanceof Error ? error.message : String(error) })
  }
}

function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

await main()
