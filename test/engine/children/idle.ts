// Opens a session, does as its argument says, and leaves the rest to Node: does the process end by itself?

import * as baileys from '@whiskeysockets/baileys'
import { useAuthState } from '../../../src/auth-state.ts'
import { sharedStore } from '../shared-store/shared-store.ts'

const [what, url = ''] = process.argv.slice(2)

process.on('exit', () => process.stdout.write('exit\n'))
const auth = await useAuthState(sharedStore(url), {
  session: 'shop',
  lease: { ttlMs: 4_000 },
  retry: { forMs: 2_000 },
  baileys,
})
auth.signal.addEventListener('abort', () => process.stdout.write(`aborted ${auth.signal.reason.code}\n`))
process.stdout.write('opened\n')

if (what === 'save') {
  // Nobody awaits it, as in ev.on('creds.update', saveCreds).
  process.stdin.once('data', () => {
    process.stdin.destroy()
    auth.state.creds.nextPreKeyId = 50
    void auth.saveCreds().then(
      () => process.stdout.write('saved\n'),
      () => process.stdout.write('failed\n'),
    )
  })
}
if (what === 'unawaited') {
  await auth.close()
  void auth.saveCreds()
  auth.state.creds.nextPreKeyId = 50
  auth.saveCreds()
  await new Promise(resolve => setTimeout(resolve, 50))
  process.stdout.write('alive\n')
}
