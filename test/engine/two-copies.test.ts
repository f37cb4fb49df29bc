import * as baileys from '@whiskeysockets/baileys'
import * as here from '../../src/index.ts'
import { built } from '../built.ts'

test('two copies of this package in one process share a pool of memory, and read nothing of each other', async () => {
  const there: typeof here = await import(built('src/index.ts'))
  const options = { session: 'same', baileys, logger: false } as const
  await using mine = await here.useAuthState(here.memoryStore(), options)
  await using theirs = await there.useAuthState(there.memoryStore(), options)
  for (const { state } of [mine, theirs])
    expect(await state.keys.get('lid-mapping', ['1'])).toEqual({ 1: null })
  await mine.state.keys.set({ 'lid-mapping': { 1: 'mine' } })
  expect(await theirs.state.keys.get('lid-mapping', ['1'])).toEqual({ 1: null })
  expect(await mine.state.keys.get('lid-mapping', ['1'])).toEqual({ 1: 'mine' })
  await theirs.state.keys.set({ 'lid-mapping': { 1: 'theirs' } })
  expect(await mine.state.keys.get('lid-mapping', ['1'])).toEqual({ 1: 'mine' })
})
