import type { AuthenticationCreds } from '../auth-types.ts'
import type { BaileysModule } from '../baileys.ts'
import { decode } from '../buffer-json.ts'
import { AuthStateError, isAuthStateError } from '../errors.ts'
import type { Log } from '../log.ts'
import { credsName } from '../names.ts'
import { notUnsealed, sealedMark } from '../sealed-marks.ts'
import type { Store } from '../store.ts'
import { monotonicMs } from './clock.ts'
import { contend } from './contend.ts'
import type { Heartbeating } from './heartbeat.ts'
import { asAuthStateError, Outage, persist, storeNotClosedMessage } from './outage.ts'
import { type Held, preload, recordsHeld } from './preload.ts'
import { cachePool, RecordCache } from './record-cache.ts'
import { type Domain, domainOf, releaseDomain, sharedPool } from './registry.ts'
import { Session } from './session.ts'

/** What a session is opened with, every default filled in. */
export interface SessionSettings {
  readonly store: Store
  /** Whether the store was made for this session and ends with it. */
  readonly ownsStore: boolean
  /** The session's name, as the caller gave it. */
  readonly session: string
  readonly scope: string
  readonly lease: { readonly ttlMs: number; readonly waitMs: number; readonly onHeld: 'wait' | 'takeOver' }
  readonly retryForMs: number
  readonly cache: {
    /** `undefined` for the pool that all sessions share. */
    readonly maxBytes: number | undefined
    readonly preload: boolean
  }
  readonly baileys: BaileysModule
  readonly log: Log
}

/** One caller's hold on a session. */
export interface Handle {
  readonly session: Session
  readonly number: number
}

/**
 * Opens a session: joins the one that this process has open, or waits for its lease and takes it. Every call asks
 * the store first, since a session may have been removed from outside.
 *
 * @throws TypeError where the store's `open()` does: a database package that is not installed, for example
 * @throws AuthStateError as `contend`, and `CREDS_MISSING`, `RECORD_CORRUPT`, `READ_FAILED`, `WRITE_FAILED`
 */
export async function openSession(settings: SessionSettings): Promise<Handle> {
  await openStore(settings)
  try {
    return await joinOrStart(settings)
  } catch (error) {
    if (settings.ownsStore) await closeStore(settings)
    throw error
  }
}

async function openStore(settings: SessionSettings): Promise<void> {
  try {
    await throughOutage(settings, () => settings.store.open())
  } catch (error) {
    // Nothing of the store's data is concerned, and what has to be mended stands in its own message.
    throw isAuthStateError(error) && isTypeError(error.cause) ? error.cause : error
  }
}

async function joinOrStart(settings: SessionSettings): Promise<Handle> {
  const { store, scope } = settings
  const since = monotonicMs()
  for (;;) {
    const domain = domainOf(store)
    const slot = domain.slots.get(scope)
    if (!slot) {
      warnOnce(settings, domain)
      const opening = start(settings, domain, since)
      domain.slots.set(scope, { opening: opening.catch(() => {}) })
      try {
        const session = await opening
        domain.slots.set(scope, { session })
        return { session, number: session.newHandle() }
      } catch (error) {
        domain.slots.delete(scope)
        releaseDomain(domain)
        throw error
      }
    }
    if ('opening' in slot) await slot.opening
    else {
      const number = await slot.session.join()
      if (number !== undefined) return await joined(settings, slot.session, number)
      await slot.session.gone
    }
  }
}

/** A handle of a session that goes on with the store, and the options, that it was opened with. */
async function joined(settings: SessionSettings, session: Session, number: number): Promise<Handle> {
  const ignored = session.differencesFrom(settings)
  if (ignored.length > 0) {
    settings.log.warn(
      'OPTIONS_IGNORED',
      `Session "${settings.session}" is open in this process with another ${ignored.join(', ')}, which stays as it is. ` +
        'Open a session with the same options everywhere, or close it before.',
    )
  }
  if (settings.ownsStore) await closeStore(settings)
  return { session, number }
}

const warnedOf = new WeakMap<Domain, Set<string>>()

/** Tells what the store found unsafe: once for all sessions that this process has there. */
function warnOnce({ store, log }: SessionSettings, domain: Domain): void {
  const warned = warnedOf.get(domain) ?? new Set()
  warnedOf.set(domain, warned)
  for (const { code, message } of store.warnings ?? []) {
    if (warned.has(message)) continue
    warned.add(message)
    log.warn(code, message)
  }
}

async function closeStore({ store, log }: SessionSettings): Promise<void> {
  await store.close().catch(error => log.warn('STORE_NOT_CLOSED', storeNotClosedMessage(store.kind, error)))
}

async function start(settings: SessionSettings, domain: Domain, since: number): Promise<Session> {
  const { store, scope, session: name, lease: options, log, retryForMs, cache: kept } = settings
  let session: Session | undefined
  const callMs = new Outage(retryForMs).attemptMs({ isProbe: false })
  const member: Heartbeating = {
    store,
    ttlMs: options.ttlMs,
    callMs,
    lookAgain: () => session?.lookAgain(),
    confirm: async () => session?.confirm(),
  }
  try {
    await throughOutage(settings, () => domain.heartbeat.join(member), 'WRITE_FAILED')
    const { lapses } = domain.heartbeat
    const subject = {
      store,
      domain,
      scope,
      session: name,
      ttlMs: options.ttlMs,
      callMs,
    }
    const lease = await contend(subject, {
      ...options,
      since,
      reading: attempt => throughOutage(settings, attempt),
      writing: attempt => throughOutage(settings, attempt, 'WRITE_FAILED'),
      onWaiting: (holder, leftMs) =>
        log.warn(
          'SESSION_IN_USE',
          `Session "${name}" is in use by ${holder}; waiting for it ${leftMs === Number.POSITIVE_INFINITY ? 'as long as it takes' : `for ${Math.ceil(leftMs / 1000)} s more`}.`,
        ),
    })
    const cache = new RecordCache(kept.maxBytes === undefined ? sharedPool() : cachePool(kept.maxBytes))
    try {
      const whole = kept.preload ? await preload(store, scope, cache, callMs) : undefined
      const storedCreds = whole ? whole.creds : await readStoredCreds(settings)
      const creds = await credsOf(settings, storedCreds, whole?.others)
      session = new Session({ settings, domain, lease, member, lapses, creds, storedCreds, cache })
      return session
    } catch (error) {
      cache.retire()
      lease.forget()
      await lease.release().catch(() => domain.heartbeat.owe(through => lease.release(through)))
      throw error
    }
  } catch (error) {
    await domain.heartbeat.leave(member)
    throw error
  }
}

async function readStoredCreds(settings: SessionSettings): Promise<string | undefined> {
  const { store, scope } = settings
  const [text] = await throughOutage(settings, () => store.read(scope, [credsName]))
  return text
}

/** The stored creds, or new ones for a session that holds nothing at all. */
async function credsOf(
  settings: SessionSettings,
  text: string | undefined,
  others: Held | undefined,
): Promise<AuthenticationCreds> {
  const { store, scope, session: name, baileys, log } = settings
  const about = { kind: store.kind, session: name }
  if (text === undefined) {
    const held = others ?? (await throughOutage(settings, () => recordsHeld(store, scope)))
    if (held === 'none') return baileys.initAuthCreds()
    if (held === 'hidden') throw notUnsealed(store.kind, name)
    throw new AuthStateError(
      'CREDS_MISSING',
      `Session "${name}" holds keys but no creds: a new identity would make them worthless. ` +
        'Restore its creds from a backup, or remove the session and pair the device again.',
      about,
    )
  }
  if (text.startsWith(sealedMark)) throw notUnsealed(store.kind, name)
  const creds = decodeCreds(text)
  if (!creds) {
    throw new AuthStateError(
      'RECORD_CORRUPT',
      `The creds of session "${name}" cannot be read. Nothing was changed. ` +
        'Restore them from a backup, or remove the session and pair the device again.',
      about,
    )
  }
  if (creds.me && !creds.account) {
    log.warn(
      'CREDS_HALF_PAIRED',
      `Session "${name}" asked for a pairing code that was not used: it names a number but is not paired. If pairing fails, remove the session and begin again.`,
    )
  }
  return creds
}

function decodeCreds(text: string): AuthenticationCreds | undefined {
  try {
    const value = decode(text)
    if (typeof value !== 'object' || value === null) return undefined
    const isComplete = 'noiseKey' in value && 'signedIdentityKey' in value && 'registrationId' in value
    // What Baileys wrote is what Baileys' type says; the three fields tell it from anything else.
    return isComplete ? (value as AuthenticationCreds) : undefined
  } catch {
    return undefined
  }
}

async function throughOutage<T>(
  settings: Pick<SessionSettings, 'store' | 'session' | 'retryForMs'>,
  attempt: () => Promise<T>,
  code: 'READ_FAILED' | 'WRITE_FAILED' = 'READ_FAILED',
): Promise<T> {
  try {
    return await persist(settings.store, new Outage(settings.retryForMs), attempt)
  } catch (error) {
    throw asAuthStateError(error, code, { kind: settings.store.kind, session: settings.session })
  }
}

/** Not by `instanceof`: one of another realm is one. */
function isTypeError(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'name' in error && error.name === 'TypeError'
}
