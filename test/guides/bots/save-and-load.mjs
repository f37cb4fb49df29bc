import makeWASocket from '@whiskeysockets/baileys'
import { useMultiFileAuthState } from 'baileys-authkit'

const { state, saveCreds } = await useMultiFileAuthState('auth_info_baileys')
const sock = makeWASocket({ auth: state })

sock.ev.on('creds.update', saveCreds)
sock.ev.on('connection.update', ({ connection, qr }) => {
  if (qr) console.log(`QR ${qr}`)
  if (connection) console.log(`connection: ${connection}`)
})
