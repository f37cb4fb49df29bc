import { randomBytes } from 'node:crypto'
import { type Collection, MongoClient, type MongoClientOptions } from 'mongodb'
import { sharedServer } from '../servers/shared-server.ts'

/** A name for a collection that nobody else has. */
export function freshName(): string {
  return `authkit_${randomBytes(6).toString('hex')}`
}

/** A client of the shared server that tells what it sends. */
export async function testClient(options: MongoClientOptions = {}): Promise<MongoClient> {
  const { url } = await sharedServer('mongodb')
  return new MongoClient(url, { monitorCommands: true, ...options })
}

/** The names of the commands that a client sends while `work` goes on, and for `restMs` after it. */
export async function commandsOf(
  client: MongoClient,
  work: () => Promise<unknown>,
  restMs = 0,
): Promise<readonly string[]> {
  const names: string[] = []
  const note = ({ commandName }: { commandName: string }) => names.push(commandName)
  client.on('commandStarted', note)
  await work()
  if (restMs > 0) await new Promise(resolve => setTimeout(resolve, restMs))
  client.off('commandStarted', note)
  return names
}

/** Every document of a collection, the first by `_id` first. */
export function documentsOf(collection: Collection): Promise<object[]> {
  return collection.find({}, { sort: { _id: 1 } }).toArray()
}
