/** A call to a shared store as it goes over the wire, one JSON text a line; `null` stands for an absent value. */
export interface WireCall {
  readonly id: number
  readonly method: 'read' | 'write' | 'list' | 'scopes' | 'remove'
  readonly scope: string
  readonly names?: readonly string[]
  readonly changes?: readonly WireRecord[]
  readonly guards?: readonly WireRecord[]
  readonly prefix?: string
  readonly values?: boolean
}

/** A change or a guard. */
export interface WireRecord {
  readonly name: string
  readonly value: string | null
}

/** What comes back. */
export interface WireAnswer {
  readonly id: number
  readonly result?: unknown
  readonly error?: { readonly message: string; readonly code: string }
}

/** Hands on each line of a stream of texts. */
export function byLine(take: (line: string) => void): (text: string) => void {
  let rest = ''
  return text => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) take(line)
  }
}
