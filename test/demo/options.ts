import { parseArgs } from 'node:util'
import { isServerUrl, serverSchemes } from '../stores/server-stores.ts'

/** What the demo was asked for. */
export interface DemoOptions {
  readonly messages: number
  readonly kills: number
  readonly json: boolean
  /** Where the bot's session lies: `file:PATH`, `sqlite:PATH` or a server's URL; `undefined` for a new folder. */
  readonly store: string | undefined
  /** Whether it is encrypted, with a key that ends with the demo. */
  readonly sealed: boolean
}

export const usage = `Usage: npm run demo -- [options]

A bot on a real Baileys socket is killed with SIGKILL while messages come in, and started again.

  --messages N    how many messages other sockets send it (300)
  --kills N       how often it is killed meanwhile (3)
  --store URL     where its session lies: file:PATH of a new folder, sqlite:PATH of a database, or a
                  server's postgres:, mysql:, redis:, redis-cluster: or mongodb: URL
                  (a new folder among the temporary ones)
  --sealed        encrypt what is stored, with a key that ends with the demo
  --json          print one JSON object instead of text
  --help          print this

Exits 1 if a message was lost or the bot had to pair again, 2 for wrong usage.

Examples:
  npm run demo -- --messages 1000 --kills 10
  npm run demo -- --store sqlite:bots.db --sealed
  npm run demo -- --store postgres://user:password@localhost/bots
`

/** The options, or what is wrong with them; an empty text asks for help. */
export function readOptions(args: readonly string[]): DemoOptions | string {
  let values: {
    messages?: string
    kills?: string
    store?: string
    sealed?: boolean
    json?: boolean
    help?: boolean
  }
  try {
    values = parseArgs({
      args: [...args],
      options: {
        messages: { type: 'string', default: '300' },
        kills: { type: 'string', default: '3' },
        store: { type: 'string' },
        sealed: { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  if (values.help) return ''
  const messages = Number(values.messages)
  const kills = Number(values.kills)
  if (!Number.isInteger(messages) || messages < 1) return '--messages takes a number of at least 1.'
  if (!Number.isInteger(kills) || kills < 0 || kills >= messages)
    return '--kills takes a number from 0 to less than --messages.'
  if (values.store !== undefined && !/^(file|sqlite):./.test(values.store) && !isServerUrl(values.store))
    return `--store takes a URL that begins with ${['file:', 'sqlite:', ...serverSchemes].join(', ')}`
  const { store, sealed = false, json = false } = values
  return { messages, kills, json, store, sealed }
}
