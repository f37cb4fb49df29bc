import { Keeper } from './keeper.ts'

/** Lets test files ask for shared servers; jest's `globalTeardown` ends those that were started. */
export default async function setUp(): Promise<void> {
  const keeper = new Keeper()
  process.env.AUTHKIT_SERVERS = await keeper.listen()
  Object(globalThis).authkitKeeper = keeper
}
