import { Socket } from 'node:net'
import { Readable } from 'node:stream'

/** The inner methods of Node's sockets by which everything goes out and comes in, also for those who cork and pipe. */
interface SocketInternals {
  remotePort?: number
  _writeGeneric(...args: never[]): unknown
  push(...args: never[]): unknown
}

/**
 * From now on counts the round trips of all connections to a port of the loopback interface: each time that something
 * is sent after an answer, or first. What is sent before the answer to the last has come is part of the same.
 */
export function countRoundTrips(port: number): () => number {
  let trips = 0
  const isWaiting = new WeakSet<object>()
  // Node has no public place for this, and drivers take sockets of their own.
  const prototype = Socket.prototype as unknown as SocketInternals
  const writeGeneric = prototype._writeGeneric
  prototype._writeGeneric = function (this: SocketInternals, ...args) {
    if (this.remotePort === port && !isWaiting.has(this)) {
      isWaiting.add(this)
      trips += 1
    }
    return Reflect.apply(writeGeneric, this, args)
  }
  prototype.push = function (this: SocketInternals, ...args) {
    isWaiting.delete(this)
    return Reflect.apply(Readable.prototype.push, this, args)
  }
  return () => trips
}
