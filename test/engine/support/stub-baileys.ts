import { randomBytes, randomInt } from 'node:crypto'
import type { KeyPair } from '../../../src/auth-types.ts'
import type { BaileysModule } from '../../../src/baileys.ts'

/** As much of Baileys as the engine calls: loading the real one takes a second of each child process. */
export const stubBaileys: BaileysModule = {
  initAuthCreds: () => ({
    noiseKey: keyPair(),
    pairingEphemeralKeyPair: keyPair(),
    signedIdentityKey: keyPair(),
    signedPreKey: { keyPair: keyPair(), signature: randomBytes(64), keyId: 1 },
    registrationId: randomInt(2 ** 30),
    advSecretKey: randomBytes(32).toString('base64'),
    processedHistoryMessages: [],
    nextPreKeyId: 1,
    firstUnuploadedPreKeyId: 1,
    accountSyncCounter: 0,
    accountSettings: { unarchiveChats: false },
    registered: false,
    pairingCode: undefined,
    lastPropHash: undefined,
    routingInfo: undefined,
  }),
  proto: { Message: { AppStateSyncKeyData: { fromObject: object => object } } },
}

function keyPair(): KeyPair {
  return { public: randomBytes(32), private: randomBytes(32) }
}
