import makeWASocket, { DisconnectReason, makeCacheableSignalKeyStore } from '@whiskeysockets/baileys'
import { useMultiFileAuthState } from 'baileys-authkit'
import P from 'pino'

const logger = P({ level: 'error' })

async function startSock() {
  const { state, saveCreds } = await useMultiFileAuthState('baileys_auth_info')
  const sock = makeWASocket({
    logger,
    auth: { creds: state.creds, keys: makeCacheableSignalKeyStore(state.keys, logger) },
  })

  // One handler for all that came together.
  sock.ev.process(async events => {
    if (events['connection.update']) {
      const { connection, lastDisconnect, qr } = events['connection.update']
      if (qr) console.log(`QR ${qr}`)
      if (connection === 'open') console.log(`open as ${sock.user.id}`)
      if (connection === 'close') {
        const statusCode = lastDisconnect?.error?.output?.statusCode
        console.log(`closed with ${statusCode}`)
        if (statusCode !== DisconnectReason.loggedOut) startSock()
      }
    }
    if (events['creds.update']) await saveCreds()
    for (const { key, message } of events['messages.upsert']?.messages ?? []) {
      const text = message?.conversation || message?.extendedTextMessage?.text
      if (!text || key.fromMe) continue
      console.log(`got ${text}`)
      if (text === 'ping') await sock.sendMessage(key.remoteJid, { text: 'pong' })
    }
  })
}

startSock()
