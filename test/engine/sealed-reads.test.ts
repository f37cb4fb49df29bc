import { memoryStore } from '../../src/stores/memory.ts'
import { sealed } from '../../src/stores/sealed.ts'
import { countingStore } from '../suite/index.ts'
import { hasSettled, nameOf, open, pick, put, rejection, scope } from './support/auth.ts'
import { lateReads } from './support/late-reads.ts'

const key = new Uint8Array(32).fill(1)
const ids = Array.from({ length: 10 }, (_, index) => `id-${index}`)
const values = Object.fromEntries(ids.map(id => [id, `value of ${id}`]))

/** A session of ten sealed records, of which these were damaged, closed. */
async function sessionWith({ damaged, keys = { k1: key } }: { damaged: string[]; keys?: object }) {
  const inner = memoryStore()
  const writer = await open(sealed(inner, { keys: { k1: key } }))
  await writer.saveCreds()
  await put(writer, values)
  await writer.close()
  for (const id of damaged) {
    const [text = ''] = await inner.read(scope, [nameOf(id)])
    await inner.write(scope, [{ name: nameOf(id), value: `${text.slice(0, -6)}AAAA==` }])
  }
  const store = countingStore(sealed(inner, { keys: { k1: key, ...keys } }))
  return { inner, store }
}

test('of ten records that are read in one tick, one is damaged: its reader gets the error, nine get theirs', async () => {
  const { store } = await sessionWith({ damaged: ['id-3'] })
  const auth = await open(store)
  const outcomes = await Promise.allSettled(ids.map(id => pick(auth, id)))
  for (const [index, outcome] of outcomes.entries()) {
    const id = ids[index] ?? ''
    if (id === 'id-3') {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'RECORD_CORRUPT' } })
    } else expect(outcome).toEqual({ status: 'fulfilled', value: values[id] })
  }
  await auth.close()
})

test('several damaged records fail their own readers only, first and last among them', async () => {
  const damaged = ['id-0', 'id-5', 'id-9']
  const { store } = await sessionWith({ damaged })
  const auth = await open(store)
  const outcomes = await Promise.allSettled(ids.map(id => pick(auth, id)))
  const failed = ids.filter((_, index) => outcomes[index]?.status === 'rejected')
  expect(failed).toEqual(damaged)
  await auth.close()
})

test('records that can be read are one round trip', async () => {
  const { store } = await sessionWith({ damaged: [] })
  const auth = await open(store)
  const counts = await store.during(async () => {
    await Promise.all(ids.map(id => pick(auth, id)))
  })
  expect(counts.reads).toBe(1)
  await auth.close()
})

test('a damaged record costs a few reads more, the others are cached, and it is asked for anew', async () => {
  const { store, inner } = await sessionWith({ damaged: ['id-3'] })
  const auth = await open(store)
  const counts = await store.during(async () => {
    await Promise.allSettled(ids.map(id => pick(auth, id)))
  })
  expect(counts.reads).toBeLessThanOrEqual(1 + 2 * Math.ceil(Math.log2(ids.length)))
  const again = await store.during(async () => {
    await Promise.allSettled(ids.map(id => pick(auth, id)))
  })
  expect(again).toMatchObject({ reads: 1, names: 1 })
  const mended = sealed(inner, { keys: { k1: key } })
  const creator = await mended.read(scope, [nameOf('id-4')])
  await mended.write(scope, [{ name: nameOf('id-3'), value: String(creator[0]) }])
  expect(await pick(auth, 'id-3')).toBe(values['id-4'])
  await auth.close()
})

test('one get of a damaged record and a good one fails, since it asked for both', async () => {
  const { store } = await sessionWith({ damaged: ['id-3'] })
  const auth = await open(store)
  const { code, message } = await rejection(auth.state.keys.get('lid-mapping', ['id-2', 'id-3']))
  expect(code).toBe('RECORD_CORRUPT')
  expect(message).not.toContain('id-3')
  await auth.close()
})

test.each([[[]], [['id-3']]])(
  'what was read before a change landed, damaged beside it: %j, does not enter the cache after it',
  async damaged => {
    const { store: inner } = await sessionWith({ damaged })
    const store = lateReads(inner)
    const auth = await open(store)
    store.hold()
    const reading = Promise.allSettled(ids.map(id => pick(auth, id)))
    expect(await hasSettled(reading)).toBe(false)
    await put(auth, { 'id-2': 'newer', 'id-3': 'mended' })
    store.release()
    await reading
    expect(await pick(auth, 'id-2')).toBe('newer')
    expect(await pick(auth, 'id-3')).toBe('mended')
    await auth.close()
  },
)

test('a listing that comes upon a damaged record rejects, and does not leave it out', async () => {
  const { store } = await sessionWith({ damaged: ['id-3'] })
  const auth = await open(store)
  const listing = async () => {
    for await (const _ of auth.state.keys.list('lid-mapping')) {
      // Goes on to the end.
    }
  }
  expect((await rejection(listing())).code).toBe('RECORD_CORRUPT')
  await auth.close()
})
