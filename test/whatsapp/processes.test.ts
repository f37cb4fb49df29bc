import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import * as baileys7 from '@whiskeysockets/baileys'
import { endSocket, inboxOf, pairByQr } from './client.ts'
import { memoryAuthState } from './memory-auth-state.ts'
import { RemoteServer } from './remote-server.ts'
import { within } from './within.ts'

// The waits inside say what they wait for.
const compiled = fileURLToPath(new URL('../../dist/test/whatsapp/', import.meta.url))

// As the guides have it: nothing in it knows of a test. Its auth state is ours: a kill may tear what Baileys' own writes.
const botSource = (name: string): string => `
import makeWASocket, * as baileys from '${name}'
import { useMultiFileAuthState } from 'baileys-authkit'
const { DisconnectReason } = baileys
async function start() {
  const { state, saveCreds } = await useMultiFileAuthState(process.env.BOT_FOLDER, { baileys })
  const sock = makeWASocket({ auth: state })
  sock.ev.on('creds.update', saveCreds)
  sock.ev.on('connection.update', ({ connection, lastDisconnect, qr }) => {
    if (qr) console.log('QR ' + qr)
    if (connection === 'open') console.log('OPEN')
    if (connection !== 'close') return
    if (lastDisconnect?.error?.output?.statusCode === DisconnectReason.loggedOut) process.exit(0)
    start()
  })
  sock.ev.on('messages.upsert', async ({ messages }) => {
    for (const { key, message } of messages) {
      const text = message?.conversation || message?.extendedTextMessage?.text
      if (!text || key.fromMe) continue
      await sock.sendMessage(key.remoteJid, { text: 'echo of ' + text })
      console.log('SENT')
    }
  })
}
start()
`

let server: RemoteServer
beforeAll(async () => {
  if (!existsSync(compiled)) throw new Error('this test runs what `npm run build` compiles: build first')
  server = await RemoteServer.start(join(compiled, 'main.js'))
})
const children = new Set<ChildProcessWithoutNullStreams>()
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
})
afterAll(() => server.stop())

test.each(['@whiskeysockets/baileys', 'baileys-6'])(
  'an unchanged bot on %s pairs, answers, is killed, comes back, and answers what it missed',
  async name => {
    const folder = await mkdtemp(join(tmpdir(), 'whatsapp-bot-'))
    const number = name === 'baileys-6' ? '15557001' : '15557002'
    const peer = await pairByQr({ baileys: baileys7, auth: memoryAuthState(), server, number: `${number}9` })
    const inbox = inboxOf(peer)
    const first = startBot(name, folder)
    const jid = await server.scan((await lineOf(first, 'QR ')).slice(3), number)
    await lineOf(first, 'OPEN')
    // Baileys sends before it stores the step of the ratchet: killed in between it would use that step twice.
    const stored = lineOf(first, 'SENT')
    await peer.sendMessage(`${number}@s.whatsapp.net`, { text: 'one' })
    await stored
    await inbox.untilTexts(['echo of one'])
    await server.call('untilAnswered', jid)

    first.child.kill('SIGKILL')
    await once(first.child, 'exit')
    const taken = once(server, 'message')
    await peer.sendMessage(`${number}@s.whatsapp.net`, { text: 'two' })
    await taken
    const second = startBot(name, folder)
    await inbox.untilTexts(['echo of two'], 60_000)

    const left = once(second.child, 'exit')
    await server.call('logOut', jid)
    expect(await left).toEqual([0, null])
    await endSocket(peer)
    await rm(folder, { recursive: true })
  },
)

test('a command that fails says why', async () => {
  await expect(server.call('drop', '1:1@s.whatsapp.net')).rejects.toThrow('no linked device')
  await expect(server.call('dance')).rejects.toThrow('no command "dance"')
  expect(await server.call('counts')).toMatchObject({ refusals: 0 })
})

interface BotProcess {
  readonly child: ChildProcessWithoutNullStreams
  readonly lines: Interface
}

function startBot(name: string, folder: string): BotProcess {
  const preload = pathToFileURL(join(compiled, 'preload.js')).href
  const child = spawn(process.execPath, ['--import', preload, '--input-type=module', '-e', botSource(name)], {
    env: { ...process.env, ...server.environment, BOT_FOLDER: folder },
  })
  children.add(child)
  child.stderr.resume()
  return { child, lines: createInterface({ input: child.stdout }) }
}

async function lineOf({ lines }: BotProcess, start: string): Promise<string> {
  const found = new Promise<string>(resolve => {
    lines.on('line', line => line.startsWith(start) && resolve(line))
  })
  return within(found, `a line that starts with "${start}"`)
}
