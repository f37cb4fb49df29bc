import type { AuthenticationState } from '@whiskeysockets/baileys'
import { type AuthState, useAuthState } from '../../src/auth-state.ts'
import type { Store } from '../../src/store.ts'
import { ownStores } from '../own-stores.ts'
import type { Place } from '../places.ts'
import type { Opened, Opener } from './opened.ts'

/** Ours, each as README has it, and no option but those that name the place. */
export const openFiles: Opener = place => openCounted(ownStores.files(place).store, place)

export const openRelaxedFiles: Opener = place =>
  openCounted(ownStores.files(place, { isRelaxed: true }).store, place)

export const openSqlite: Opener = place => openCounted(ownStores.SQLite(place).store, place)

export const openRelaxedSqlite: Opener = place =>
  openCounted(ownStores.SQLite(place, { isRelaxed: true }).store, place)

export const openRedis: Opener = place => openOn('Redis', place)

export const openPostgres: Opener = place => openOn('PostgreSQL', place)

export const openMySQL: Opener = place => openOn('MySQL', place)

export const openMongoDB: Opener = place => openOn('MongoDB', place)

async function openOn(backend: 'Redis' | 'PostgreSQL' | 'MySQL' | 'MongoDB', place: Place): Promise<Opened> {
  const { store, end } = ownStores[backend](place)
  return openedOf(await useAuthState(store, { session: place.session }), end)
}

function openedOf(auth: AuthState, end: () => Promise<void>): Opened {
  return {
    // Baileys 7's own types name fields that ours leave open.
    state: auth.state as AuthenticationState,
    saveCreds: () => auth.saveCreds(),
    async close() {
      await auth.close()
      await end()
    },
  }
}

/** Each call of a store is one round trip of those that have a server, by its contract. */
async function openCounted(store: Store, { session }: Place): Promise<Opened> {
  let calls = 0
  const counted: Store = {
    kind: store.kind,
    get identity() {
      return store.identity
    },
    limits: store.limits,
    durability: store.durability,
    open: () => store.open(),
    read(...args) {
      calls += 1
      return store.read(...args)
    },
    write(...args) {
      calls += 1
      return store.write(...args)
    },
    list: (...args) => store.list(...args),
    scopes: (...args) => store.scopes(...args),
    remove: (...args) => store.remove(...args),
    close: () => store.close(),
    ...(store.isPermanent ? { isPermanent: error => store.isPermanent?.(error) ?? false } : {}),
  }
  const auth = await useAuthState(counted, { session })
  return { ...openedOf(auth, () => store.close()), roundTrips: () => calls }
}
