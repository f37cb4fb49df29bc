const { default: makeWASocket, DisconnectReason } = require('@whiskeysockets/baileys')
const { useMultiFileAuthState } = require('baileys-authkit')

async function connectToWhatsApp() {
  const { state, saveCreds } = await useMultiFileAuthState('auth_info_baileys')
  const sock = makeWASocket({ auth: state })

  sock.ev.on('creds.update', saveCreds)
  sock.ev.on('connection.update', update => {
    const { connection, lastDisconnect, qr } = update
    if (qr) console.log(`QR ${qr}`)
    if (connection === 'open') console.log(`open as ${sock.user.id}`)
    if (connection === 'close') {
      const statusCode = lastDisconnect?.error?.output?.statusCode
      console.log(`closed with ${statusCode}`)
      if (statusCode !== DisconnectReason.loggedOut) connectToWhatsApp()
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

connectToWhatsApp()
