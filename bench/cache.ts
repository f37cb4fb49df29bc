import { type SignalKeyStore, makeCacheableSignalKeyStore as theirs } from '@whiskeysockets/baileys'
import { useAuthState } from '../src/auth-state.ts'
import type { SignalDataSet } from '../src/auth-types.ts'
import { decode, encode } from '../src/buffer-json.ts'
import { makeCacheableSignalKeyStore } from '../src/cacheable-key-store.ts'
import { memoryStore } from '../src/entries/memory.ts'
import { collectingLogger } from '../test/whatsapp/quiet-logger.ts'
import { codecRecords } from './codec-records.ts'
import { atLeast, atMost, type Group } from './group.ts'
import { ours, type RaceSpec, runRaces, type Schedule } from './race.ts'

const mapName = 'Map and decode'
const baileysName = 'Baileys'
const readers = 64
const storeMs = 1
const ids: readonly string[] = Array.from({ length: readers }, (_, at) => `${551_100_000 + at}.0`)

/** What a read costs that the cache answers, and what the wrapper costs when many read at once. */
export const cache: Group = {
  name: 'cache',
  about: "cached reads against a Map, and the cache wrapper against Baileys' own",
  async run({ quick, progress }) {
    const schedule: Schedule = quick ? { rounds: 3, timeMs: 60 } : { rounds: 11, timeMs: 200 }
    const { session: values } = await codecRecords(8)
    const auth = await useAuthState(memoryStore(), { session: 'bot', logger: false })
    const sessions = Object.fromEntries(ids.map((id, at) => [id, values[at % values.length]]))
    await auth.state.keys.set({ session: sessions } as SignalDataSet)
    const texts = new Map(Object.entries(sessions).map(([id, value]) => [`session/${id}`, encode(value)]))
    const cached: RaceSpec = {
      name: 'get of 1, cached',
      details: {},
      operations: ids.length,
      isAsync: true,
      contenders: {
        [ours]: async () => {
          for (const id of ids) sink = await auth.state.keys.get('session', [id])
          return undefined
        },
        [mapName]: async () => {
          for (const id of ids) sink = await decode(texts.get(`session/${id}`) ?? '')
          return undefined
        },
      },
    }
    const races = await runRaces([cached], schedule, progress)
    await auth.close()
    const crowds = await runRaces([crowd(sessions)], schedule, progress)
    const ofMap = races[0]?.ratios[mapName]
    return {
      group: 'cache',
      races: [...races, ...crowds],
      goals: [
        atMost('get of 1, cached, against a Map and decoding', ofMap && 1 / ofMap, 3),
        atLeast(`${readers} readers at once, against Baileys`, crowds[0]?.ratios[baileysName], 20),
      ],
    }
  },
}

/** Takes results, so that no engine finds out that they aren't needed. */
export let sink: unknown

/** Each of many reads one record that is not cached yet, and then three times one that is. */
function crowd(sessions: { readonly [id: string]: unknown }): RaceSpec {
  const [common = '', ...own] = ids
  const run = (wrap: (store: SignalKeyStore) => Pick<SignalKeyStore, 'get'>) => async () => {
    const keys = wrap(slowStore(sessions))
    await keys.get('session', [common])
    const startedAt = performance.now()
    const reader = async (id: string) => {
      await keys.get('session', [id])
      for (let time = 0; time < 3; time++) await keys.get('session', [common])
    }
    await Promise.all([...own, 'another'].map(reader))
    return performance.now() - startedAt
  }
  return {
    name: `${readers} readers at once, on a store that takes ${storeMs} ms`,
    details: { readers, storeMs },
    operations: readers * 4,
    isAsync: true,
    contenders: {
      [ours]: run(store => makeCacheableSignalKeyStore(store)),
      [baileysName]: run(store => theirs(store, collectingLogger())),
    },
  }
}

function slowStore(sessions: { readonly [id: string]: unknown }): SignalKeyStore {
  return {
    async get(_type, asked) {
      await new Promise(resolve => setTimeout(resolve, storeMs))
      // What is asked for is a session, whatever the type says.
      return Object.fromEntries(asked.map(id => [id, sessions[id]])) as never
    },
    async set() {},
  }
}
