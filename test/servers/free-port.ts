import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

// Below those that systems give to connections, and to servers that name none: what is free here stays so, also while
// the server that has it is down.
const first = 10_000
const last = 32_000
const given = new Set<number>()

/** A port of the loopback interface that nobody listens on, each time another one. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(first, last)
    if (given.has(port)) continue
    given.add(port)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
