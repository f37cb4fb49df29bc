import type { ServerStore } from '../stores/server-store.ts'
import { proveCuts, proveOutages } from './faults.ts'
import { proveIdle } from './idle.ts'
import { proveLateDelivery } from './late-delivery.ts'
import { proveNames } from './names.ts'
import { proveProcesses } from './processes.ts'
import { proveRemoved } from './removed.ts'
import { proveRestarts } from './restarts.ts'
import { type Line, lineTo } from './support/line.ts'

/** How one server's proof differs from another's. */
export interface ServerProofOptions {
  /** How often its driver looks by itself whether the server lives. @default never */
  readonly driverPollsEveryMs?: number
}

/** Declares all that is proved of a store on a real server: processes, networks that break, and what users type. */
export function proveServer(
  at: ServerStore,
  { driverPollsEveryMs = Number.POSITIVE_INFINITY }: ServerProofOptions = {},
): void {
  describe(`${at.name}, by processes`, () => {
    proveProcesses(at)
    proveRemoved(at)
    proveNames(at)
  })

  describe(`${at.name}, through a proxy`, () => {
    let line: Line | undefined
    const through = () => {
      if (!line) throw new Error('There is no proxy.')
      return line
    }
    beforeAll(async () => {
      line = await lineTo(at)
    })
    // Where a test fails, the next one shall have its chance.
    afterEach(() => line?.proxy.mend())
    afterAll(async () => {
      await line?.[Symbol.asyncDispose]()
    })
    proveIdle(at, through, driverPollsEveryMs)
    proveLateDelivery(at, through)
    proveCuts(at, through)
    proveOutages(at, through)
  })

  describe(`${at.name}, on a server that is killed`, () => {
    proveRestarts(at)
  })
}
