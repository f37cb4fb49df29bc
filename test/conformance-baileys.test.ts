import * as baileys7 from '@whiskeysockets/baileys'
import * as baileys6 from 'baileys-6'
import { oneFolder } from './adapters/files-backend.ts'
import { authStateSuite, memoryBackend, type SuiteKeys, type WrapperNeed } from './suite/index.ts'

const silent = {
  level: 'silent',
  child: () => silent,
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
}

const backends = [memoryBackend(), oneFolder]

// Thousands of records on a real disk, beside other tests.
const commits = { maxCommitRetries: 1, delayBetweenTriesMs: 1 }

through7("Baileys 7's addTransactionCapability", ['calls as they come', '__proto__'], transactional7)

through7("Baileys 7's makeCacheableSignalKeyStore", ['calls as they come', '__proto__'], keys =>
  suiteKeys(baileys7.makeCacheableSignalKeyStore(baileysKeys(keys), silent)),
)

through7(
  "Baileys 7's addTransactionCapability over its makeCacheableSignalKeyStore",
  ['calls as they come', '__proto__'],
  keys => transactional7(suiteKeys(baileys7.makeCacheableSignalKeyStore(baileysKeys(keys), silent))),
)

through6(
  "Baileys 6.7's addTransactionCapability",
  ['calls as they come', 'overlapping sets', 'refusals', '__proto__'],
  transactional6,
)

through6("Baileys 6.7's makeCacheableSignalKeyStore", [], keys =>
  suiteKeys(baileys6.makeCacheableSignalKeyStore(baileysKeys(keys), silent)),
)

type Wrap = (keys: SuiteKeys) => SuiteKeys

/** Promises 4, 5, 6, 8 and 10 are beyond a wrapper that has a cache of its own; what it breaks is pinned elsewhere. */
function through7(name: string, lacks: readonly WrapperNeed[], wrap: Wrap): void {
  const through = { name, lacks, promises: [1, 2, 3, 7, 9, 11, 12], wrap }
  for (const backend of backends) authStateSuite({ test, backend, baileys: baileys7, through })
}

function through6(name: string, lacks: readonly WrapperNeed[], wrap: Wrap): void {
  const through = { name, lacks, promises: [1, 2, 3, 7, 9, 11, 12], wrap }
  for (const backend of backends) authStateSuite({ test, backend, baileys: baileys6, through })
}

function transactional7(keys: SuiteKeys): SuiteKeys {
  const transactional = baileys7.addTransactionCapability(baileysKeys(keys), silent, commits)
  return {
    get: (type, ids) => suiteKeys(transactional).get(type, ids),
    set: data => transactional.transaction(() => suiteKeys(transactional).set(data), 'suite'),
  }
}

function transactional6(keys: SuiteKeys): SuiteKeys {
  const transactional = baileys6.addTransactionCapability(baileysKeys(keys), silent, commits)
  return {
    get: (type, ids) => suiteKeys(transactional).get(type, ids),
    set: data => transactional.transaction(async () => suiteKeys(transactional).set(data)),
  }
}

function baileysKeys(keys: SuiteKeys): baileys7.SignalKeyStore {
  // The suite's types and ids are any; Baileys' wrappers look at none of them.
  return keys as unknown as baileys7.SignalKeyStore
}

function suiteKeys(keys: unknown): SuiteKeys {
  // As above, the other way round.
  return keys as SuiteKeys
}
