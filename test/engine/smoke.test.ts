import { memoryStore, useAuthState } from '../../src/index.ts'

test('a session on memory keeps its keys and creds', async () => {
  const store = memoryStore()
  const auth = await useAuthState(store, { session: 'a', logger: false })
  await auth.state.keys.set({ 'lid-mapping': { x: 'y' }, session: { 'a.0': new Uint8Array([1, 2]) } })
  expect(await auth.state.keys.get('lid-mapping', ['x', 'z'])).toEqual({ x: 'y', z: null })
  auth.state.creds.nextPreKeyId = 9
  await auth.saveCreds()
  await auth.close()
  const again = await useAuthState(store, { session: 'a', logger: false })
  expect(again.state.creds.nextPreKeyId).toBe(9)
  expect(await again.state.keys.get('session', ['a.0'])).toEqual({ 'a.0': Buffer.from([1, 2]) })
  const ids: string[] = []
  for await (const id of again.state.keys.listIds('session')) ids.push(id)
  expect(ids).toEqual(['a.0'])
  await again.remove()
  await expect(again.saveCreds()).rejects.toMatchObject({ code: 'SESSION_REMOVED' })
  const anew = await useAuthState(store, { session: 'a', logger: false })
  expect(anew.state.creds.nextPreKeyId).toBe(1)
  await anew.close()
})
