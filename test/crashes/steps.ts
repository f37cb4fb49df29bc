import type { AuthState, SignalDataSet } from 'baileys-authkit'

const addresses = ['5511.0', '5522.0', '5533.1']

/** What step `n` changes: records of several types that all say `n`, one that it adds, and one that it removes. */
export function changesOfStep(n: number): SignalDataSet {
  return {
    session: Object.fromEntries(addresses.map(address => [address, Buffer.from(`${n}`.padEnd(1_000, '.'))])),
    'lid-mapping': { last: String(n) },
    'pre-key': {
      [n]: { public: Buffer.from(`${n}`), private: Buffer.alloc(32, n % 256) },
      ...(n > 20 ? { [n - 20]: null } : {}),
    },
  }
}

/** As many records as a new device uploads: their files take a while, and the steps go on meanwhile. */
export function burstOf(n: number): SignalDataSet {
  const records = Array.from({ length: 812 }, (_, index) => [`burst.${index}`, Buffer.from(`${n}`)] as const)
  return { 'identity-key': Object.fromEntries(records) }
}

/** One record that changes over and over, while the files of others are still being written. */
export function hotRecord(n: number): SignalDataSet {
  return { 'device-list': { hot: [String(n)] } }
}

/** The number that it holds; 0 where there is none. */
export async function hotOf({ state }: AuthState): Promise<number> {
  const { hot } = await state.keys.get('device-list', ['hot'])
  return Number(hot?.[0] ?? 0)
}

/** The step that the records stand at. @throws Error when they do not all stand at the same one */
export async function stepOf(auth: AuthState): Promise<number> {
  const { keys, creds } = auth.state
  const { last } = await keys.get('lid-mapping', ['last'])
  const step = Number(last ?? 0)
  if (step === 0) return 0
  const sessions = await keys.get('session', addresses)
  const found = addresses.map(address =>
    Number(
      Buffer.from(sessions[address] ?? [])
        .toString()
        .replaceAll('.', ''),
    ),
  )
  if (found.some(each => each !== step))
    throw new Error(`a batch is torn: lid-mapping of step ${step}, sessions of ${found}`)
  if (creds.nextPreKeyId !== step)
    throw new Error(`creds are of step ${creds.nextPreKeyId}, keys of step ${step}`)
  const ids: string[] = []
  for await (const id of keys.listIds('pre-key')) ids.push(id)
  const wanted = Array.from({ length: Math.min(step, 20) }, (_, index) => String(step - index))
  if (ids.length !== wanted.length || wanted.some(id => !ids.includes(id))) {
    throw new Error(`pre-keys of step ${step} should be ${wanted}, and are ${ids}`)
  }
  return step
}
