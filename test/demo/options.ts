import { parseArgs } from 'node:util'

/** What the demo was asked for. */
export interface DemoOptions {
  readonly messages: number
  readonly kills: number
  readonly json: boolean
  /** Where the bot's session lies; `undefined` for a new folder. */
  readonly folder: string | undefined
}

export const usage = `Usage: npm run demo -- [options]

A bot on a real Baileys socket is killed with SIGKILL while messages come in, and started again.

  --messages N    how many messages other sockets send it (300)
  --kills N       how often it is killed meanwhile (3)
  --store URL     where its session lies: file:PATH (a new folder among the temporary ones)
  --json          print one JSON object instead of text
  --help          print this

Exits 1 if a message was lost or the bot had to pair again, 2 for wrong usage.

Example: npm run demo -- --messages 1000 --kills 10
`

/** The options, or what is wrong with them; an empty text asks for help. */
export function readOptions(args: readonly string[]): DemoOptions | string {
  let values: { messages?: string; kills?: string; store?: string; json?: boolean; help?: boolean }
  try {
    values = parseArgs({
      args: [...args],
      options: {
        messages: { type: 'string', default: '300' },
        kills: { type: 'string', default: '3' },
        store: { type: 'string' },
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
  if (values.store !== undefined && !/^file:./.test(values.store))
    return '--store takes a URL that begins with file:'
  const folder = values.store?.replace(/^file:(\/\/)?/, '')
  return { messages, kills, json: values.json ?? false, folder }
}
