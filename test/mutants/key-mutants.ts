import { BufferJSON as Baileys7BufferJSON } from '@whiskeysockets/baileys'
import type { KeyData, SuiteKeys } from '../suite/index.ts'

/** Keys that are broken in one way, and the case about auth states that is meant to find it. */
export interface KeyMutant {
  /** What they do wrong. */
  readonly name: string
  /** The case's name, with its promise's number before it. */
  readonly caughtBy: string
  /** Breaks the keys of one open session. */
  breaks(keys: SuiteKeys): SuiteKeys
}

/** What published auth states do between Baileys and their store. */
export const keyMutants: readonly KeyMutant[] = [
  {
    name: 'resolve before the store has the change',
    caughtBy: '1: set and saveCreds stay pending until the store has landed the change',
    breaks: keys => ({
      ...keys,
      async set(data) {
        keys.set(data).catch(() => {})
      },
    }),
  },
  {
    name: 'give up after the first failure and say nothing',
    caughtBy: '2: a set that the store refuses for good has changed nothing, and what comes later lands',
    breaks: keys => ({ ...keys, set: data => keys.set(data).catch(() => {}) }),
  },
  {
    name: 'write each type by itself',
    caughtBy: '2: one set of many types, removals among them, is one batch',
    breaks: keys => ({
      ...keys,
      async set(data) {
        for (const [type, values] of Object.entries(data)) await keys.set({ [type]: values })
      },
    }),
  },
  {
    name: 'set a turn later than they were asked to',
    caughtBy: '3: creds and keys of one turn of the event loop land in one batch',
    breaks: keys => ({
      ...keys,
      async set(data) {
        const copy = structuredClone(data)
        await new Promise(setImmediate)
        await new Promise(setImmediate)
        return keys.set(copy)
      },
    }),
  },
  {
    name: 'wait for one set before they begin the next',
    caughtBy: '3: while a batch is in flight, all later changes gather into the next one',
    breaks(keys) {
      let last: Promise<unknown> = Promise.resolve()
      return {
        ...keys,
        set(data) {
          const set = last.then(() => keys.set(data))
          last = set.catch(() => {})
          return set
        },
      }
    },
  },
  {
    name: 'let removals overtake',
    caughtBy: '3: of sets that nobody awaited, the last one stands',
    breaks: keys => ({
      ...keys,
      async set(data) {
        const removes = Object.values(data).some(values =>
          Object.values(values).some(value => value === null),
        )
        if (!removes) await new Promise(setImmediate)
        return keys.set(data)
      },
    }),
  },
  {
    name: 'cache a value before the store has it',
    caughtBy: '4: a read of a record whose change is in flight waits for it, and other reads do not',
    breaks: keepingObjects,
  },
  {
    name: 'keep the value of a set that failed',
    caughtBy: '4: a batch that failed leaves the cache as it was',
    breaks: keepingObjects,
  },
  {
    name: 'cache what a read brings that began before a set',
    caughtBy: '4: once a set resolved, every read sees it',
    breaks(keys) {
      const cache = new Map<string, unknown>()
      return {
        async get(type, ids) {
          const missing = ids.filter(id => !cache.has(`${type} ${id}`))
          if (missing.length > 0) {
            const found = await keys.get(type, missing)
            for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
            for (const [id, value] of Object.entries(found)) cache.set(`${type} ${id}`, value)
          }
          return Object.fromEntries(ids.map(id => [id, cache.get(`${type} ${id}`)]))
        },
        async set(data) {
          await keys.set(data)
          for (const [type, values] of Object.entries(data)) {
            for (const id of Object.keys(values)) cache.delete(`${type} ${id}`)
          }
        },
      }
    },
  },
  {
    name: 'encode a value when its turn comes',
    caughtBy: '5: what the caller does to a value after set was called changes nothing',
    breaks: keys => ({
      ...keys,
      async set(data) {
        await Promise.resolve()
        return keys.set(data)
      },
    }),
  },
  {
    name: 'hand out the object that they keep',
    caughtBy: '5: two reads at once get values of their own',
    breaks: keepingObjects,
  },
  {
    name: 'leave absent ids out',
    caughtBy: '6: an absent record comes back as null under its id, each time',
    breaks: keys => ({
      ...keys,
      async get(type, ids) {
        const entries = Object.entries(await keys.get(type, ids))
        return Object.fromEntries(entries.filter(([, value]) => value !== null))
      },
    }),
  },
  {
    name: 'say null when a read failed',
    caughtBy: '6: a read that fails rejects with READ_FAILED, and works again afterwards',
    breaks: keys => ({
      ...keys,
      get: (type, ids) => keys.get(type, ids).catch(() => Object.fromEntries(ids.map(id => [id, null]))),
    }),
  },
  {
    name: 'say null when a record can not be decoded',
    caughtBy:
      '6: a record that can not be decoded rejects with RECORD_CORRUPT, and names no id where a logger prints it',
    breaks: keys => ({
      ...keys,
      get: (type, ids) => keys.get(type, ids).catch(() => Object.fromEntries(ids.map(id => [id, null]))),
    }),
  },
  {
    name: 'read each id by itself',
    caughtBy: '10: all reads of one tick are one round trip',
    breaks: keys => ({
      ...keys,
      async get(type, ids) {
        const found: { [id: string]: unknown } = {}
        for (const id of ids) Object.assign(found, await keys.get(type, [id]))
        return found
      },
    }),
  },
  {
    name: 'ignore the case of ids',
    caughtBy: '11: ids of any Unicode are kept apart, set one by one and at once',
    breaks: keys => ({
      ...keys,
      set: data =>
        keys.set(
          Object.fromEntries(
            Object.entries(data).map(([type, values]) => [
              type,
              Object.fromEntries(Object.entries(values).map(([id, value]) => [id.toLowerCase(), value])),
            ]),
          ),
        ),
    }),
  },
  {
    name: "take maps of numbers for bytes, as Baileys 7's BufferJSON does",
    caughtBy: '11: values of every kind come back deeply equal, from the cache and after a restart',
    breaks: keys => ({ ...keys, set: data => keys.set(throughBaileys7(data)) }),
  },
]

/** As Baileys' makeCacheableSignalKeyStore: objects, kept before the store has them. */
function keepingObjects(keys: SuiteKeys): SuiteKeys {
  const cache = new Map<string, unknown>()
  const keep = (data: KeyData): void => {
    for (const [type, values] of Object.entries(data)) {
      for (const [id, value] of Object.entries(values)) cache.set(`${type} ${id}`, value)
    }
  }
  return {
    async get(type, ids) {
      const missing = ids.filter(id => !cache.has(`${type} ${id}`))
      if (missing.length > 0) keep({ [type]: await keys.get(type, missing) })
      return Object.fromEntries(ids.map(id => [id, cache.get(`${type} ${id}`)]))
    },
    async set(data) {
      keep(data)
      await keys.set(data)
    },
  }
}

function throughBaileys7(data: KeyData): KeyData {
  // What was KeyData before JSON is KeyData after it.
  return JSON.parse(JSON.stringify(data, Baileys7BufferJSON.replacer), Baileys7BufferJSON.reviver) as KeyData
}
