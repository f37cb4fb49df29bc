import { EventEmitter } from 'node:events'
import { writeSync } from 'node:fs'

// Loaded before an example of README, which prints nothing of what happens to its socket, to say it. Both lines of
// Baileys hand their events on through one of Node's emitters.
const { emit } = EventEmitter.prototype

EventEmitter.prototype.emit = function (this: EventEmitter, event: string | symbol, ...args: unknown[]) {
  if (event === 'connection.update') say(args[0] as Update) // That event carries no other.
  return emit.call(this, event, ...args)
}

/** What is looked at of Baileys' `ConnectionState`. */
interface Update {
  readonly qr?: string
  readonly connection?: string
}

function say({ qr, connection }: Update): void {
  if (qr) writeSync(1, `observed QR ${qr}\n`)
  if (connection) writeSync(1, `observed ${connection}\n`)
}
