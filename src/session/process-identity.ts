import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** What tells one process from every other, on this host and elsewhere. */
export interface ProcessIdentity {
  readonly host: string
  /** The kernel's id of this boot; `null` where there is none (Windows, macOS, some sandboxes). */
  readonly bootId: string | null
  /** The pid namespace, since one pid means different processes in two containers; `null` where there is none. */
  readonly pidNamespace: string | null
  readonly pid: number
  /** When the process started: clock ticks since boot where `/proc` says so, else milliseconds since 1970. */
  readonly started: number
}

/** How far a start time made from the wall clock may differ from itself, since clocks are set. */
const clockToleranceMs = 5_000

let mine: ProcessIdentity | undefined

/** This process. */
export function thisProcess(): ProcessIdentity {
  mine ??= {
    host: hostname(),
    bootId: orNull(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    pidNamespace: orNull(() => readlinkSync('/proc/self/ns/pid')),
    pid: process.pid,
    started: readStat(process.pid)?.started ?? Math.round(Date.now() - process.uptime() * 1000),
  }
  return mine
}

/**
 * True only when `other` certainly runs no more: it was on this very host, boot and pid namespace, and its pid is
 * gone or belongs to a process that started at another time. A live pid is never proof of the contrary, and where
 * the kernel has no boot id the host's name alone can't tell two machines apart, so that then only a store that
 * no other host can reach (`isLocalStore`) takes it for one.
 */
export function isProvablyDead(other: ProcessIdentity, isLocalStore: boolean): boolean {
  const self = thisProcess()
  if (other.host !== self.host || other.bootId !== self.bootId) return false
  if (other.pidNamespace !== self.pidNamespace) return false
  if (self.bootId === null && !isLocalStore) return false
  if (!isRunning(other.pid)) return true
  const stat = readStat(other.pid)
  if (stat) return stat.isZombie || stat.started !== other.started
  // Without /proc only this process's own start is known: another process had this pid before.
  return other.pid === self.pid && Math.abs(other.started - self.started) > clockToleranceMs
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return !(typeof error === 'object' && error !== null && 'code' in error && error.code === 'ESRCH')
  }
}

/** Fields 3 (state) and 22 (start time) of `/proc/<pid>/stat`; the command's name before them may hold anything. */
function readStat(pid: number): { readonly started: number; readonly isZombie: boolean } | undefined {
  const text = orNull(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  if (text === null) return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { started: Number(fields[19]), isZombie: fields[0] === 'Z' || fields[0] === 'X' }
}

function orNull<T>(read: () => T): T | null {
  try {
    return read()
  } catch {
    return null
  }
}
