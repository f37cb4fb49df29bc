import fs from 'node:fs'
import makeWASocket, { DisconnectReason } from '@whiskeysockets/baileys'
import { useMultiFileAuthState } from 'baileys-authkit'

const folder = 'auth_info_baileys'

function removeFolder() {
  try {
    fs.rmSync(folder, { recursive: true, force: true })
  } catch (error) {
    // Writes under way may put a file into the folder meanwhile, as with Baileys' own function.
    if (error.code !== 'ENOTEMPTY') throw error
    removeFolder()
  }
}

async function connect() {
  const { state, saveCreds } = await useMultiFileAuthState(folder)
  const sock = makeWASocket({ auth: state })

  sock.ev.on('creds.update', saveCreds)
  sock.ev.on('connection.update', ({ connection, lastDisconnect, qr }) => {
    if (qr) console.log(`QR ${qr}`)
    if (connection === 'open') console.log(`open as ${sock.user.id}`)
    if (connection === 'close') {
      const statusCode = lastDisconnect?.error?.output?.statusCode
      console.log(`closed with ${statusCode}`)
      if (statusCode === DisconnectReason.loggedOut) removeFolder()
      connect()
    }
  })
  sock.ev.on('messages.upsert', async ({ messages }) => {
    for (const { key, message } of messages) {
      const text = message?.conversation || message?.extendedTextMessage?.text
      if (!text || key.fromMe) continue
      console.log(`got ${text}`)
      if (text === 'ping') await sock.sendMessage(key.remoteJid, { text: 'pong' })
    }
  })
}

connect()
