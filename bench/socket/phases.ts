/** Users that a bot writes with. */
export interface Peers {
  /** Of their phone numbers: those with the same prefix are the same. */
  readonly prefix: number
  readonly count: number
  /** Whether WhatsApp tells their hidden numbers (LIDs). */
  readonly haveLids: boolean
}

/** A stretch of traffic that is measured. */
export interface Phase {
  readonly name: string
  /** Chats and groups bring messages to the bot; `outgoing` is what it sends, one message after another. */
  readonly kind: 'incoming' | 'group' | 'outgoing'
  readonly messages: number
  /** Whom the bot writes with. */
  readonly peers: Peers
  /** In so many slices of the same size, between which others have their turn. */
  readonly slices: number
}

/** A part of a phase: the messages from one number up to another. */
export interface Slice {
  readonly phase: Phase
  readonly from: number
  readonly to: number
  /** It is cut after so long. */
  readonly limitMs: number
}

/** What a slice showed. */
export interface SliceResult {
  /** How many of its messages came through. What comes in is measured from the first of them on. */
  readonly messages: number
  readonly messagesPerSecond: number
  /** CPU time of the bot's process for each message, in milliseconds. */
  readonly cpuMs: number
  /** How late timers came, in milliseconds: 99 of 100 came less late. */
  readonly loopP99Ms: number
  /** Calls of `keys.get`, `keys.set` and `saveCreds` for each message. */
  readonly calls: number
  /** How long those calls took for each message, in milliseconds. */
  readonly storeMs: number
  /** Round trips to the store for each message. */
  readonly roundTrips: number
}

/** The slices of a phase, in order. */
export function slicesOf(phase: Phase, limitMs: number): Slice[] {
  const size = phase.messages / phase.slices
  return Array.from({ length: phase.slices }, (_, at) => ({
    phase,
    from: Math.round(at * size),
    to: Math.round((at + 1) * size),
    limitMs,
  }))
}
