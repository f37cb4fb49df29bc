import { startContainer } from './docker.ts'
import { serverKind } from './kinds.ts'
import type { Server, ServerName } from './server.ts'

/** Starts a server of the caller's own, which it may kill: the machine's own program, else a container. */
export async function startServer(name: ServerName): Promise<Server> {
  const kind = serverKind(name)
  const program = await kind.find()
  return program === undefined ? startContainer(kind) : kind.start(program)
}
