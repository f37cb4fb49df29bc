/** Ends the servers that the tests shared. */
export default async function tearDown(): Promise<void> {
  await Object(globalThis).authkitKeeper[Symbol.asyncDispose]()
}
