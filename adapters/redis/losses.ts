import type { IoredisClient } from './client.ts'

type Refusal = (error: Error) => void

/** The calls under way of each client, which has one listener of ours, however many stores it serves. */
const callsOf: WeakMap<IoredisClient, Set<Refusal>> = new WeakMap()

/**
 * The call's answer, or a rejection as soon as the client has lost a connection: its outcome is unknown then.
 *
 * ioredis would hide that, and send the same again on the next connection. The first that it sent may be on its way
 * yet, and arrive after that and after the next batch: an older value over a newer one. Whoever calls has to know, to
 * change the guard before anything is repeated.
 */
export function orLost<T>(client: IoredisClient, call: () => Promise<T>): Promise<T> {
  const calls = callsOf.get(client) ?? watch(client)
  return new Promise((resolve, reject) => {
    calls.add(reject)
    call()
      .then(resolve, reject)
      .finally(() => calls.delete(reject))
  })
}

function watch(client: IoredisClient): Set<Refusal> {
  const calls = new Set<Refusal>()
  callsOf.set(client, calls)
  const lost = () => {
    const error = Object.assign(new Error('the connection was lost'), { code: 'ECONNRESET' })
    for (const reject of calls) reject(error)
  }
  // `-node` is what a Cluster says of a connection to one of its nodes.
  client.on('close', lost)
  client.on('-node', lost)
  return calls
}
