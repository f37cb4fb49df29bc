import readline from 'node:readline'
import makeWASocket, { DisconnectReason } from '@whiskeysockets/baileys'
import { useMultiFileAuthState } from 'baileys-authkit'

const sockets = new Map()

async function start(user) {
  const { state, saveCreds } = await useMultiFileAuthState(`sessions/${user}`)
  const sock = makeWASocket({ auth: state })
  sockets.set(user, sock)

  sock.ev.on('creds.update', saveCreds)
  sock.ev.on('connection.update', ({ connection, lastDisconnect, qr }) => {
    if (qr) console.log(`${user}: QR ${qr}`)
    if (connection === 'open') console.log(`${user}: open as ${sock.user.id}`)
    if (connection === 'close') {
      const statusCode = lastDisconnect?.error?.output?.statusCode
      console.log(`${user}: closed with ${statusCode}`)
      if (sockets.get(user) === sock && statusCode !== DisconnectReason.loggedOut) start(user)
    }
  })
  sock.ev.on('messages.upsert', async ({ messages }) => {
    for (const { key, message } of messages) {
      const text = message?.conversation || message?.extendedTextMessage?.text
      if (!text || key.fromMe) continue
      console.log(`${user}: got ${text}`)
      if (text !== 'ping') continue
      await sock.sendMessage(key.remoteJid, { text: `pong from ${user}` })
      console.log(`${user}: sent pong`)
    }
  })
}

function stop(user) {
  const sock = sockets.get(user)
  sockets.delete(user)
  sock.end(undefined)
}

readline.createInterface({ input: process.stdin }).on('line', line => {
  const [order, user] = line.split(' ')
  if (order === 'start') start(user)
  if (order === 'stop') stop(user)
})
