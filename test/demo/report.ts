import type { DemoOptions } from './options.ts'

/** What the demo found; `--json` prints it as it is. */
export interface Report {
  readonly sent: number
  /** Messages whose decryption was stored. */
  readonly decrypted: number
  readonly lost: number
  /**
   * Those of `decrypted` that the bot was killed before it could speak of: their keys were stored as used, and Baileys
   * says so when they come again. No auth state can hand their text on; it knows only that nothing has to be lost for
   * the next message.
   */
  readonly untold: number
  readonly kills: number
  readonly pairings: number
  /** From the start of each new process until it was logged in, in milliseconds: the median. */
  readonly resumeMs: number
  /** Where the bot's session lies. */
  readonly store: string
  /** Whether it was encrypted. */
  readonly sealed: boolean
  readonly senders: number
  /** What Baileys complained of: broken sessions above all. */
  readonly complaints: readonly string[]
  readonly seconds: number
}

/** Prints the report for people. */
export function printReport(report: Report, options: DemoOptions): void {
  const rows = [
    ['sent', report.sent],
    ['decrypted', report.decrypted],
    ['lost', report.lost],
    ...(report.untold > 0
      ? [['of the decrypted', `${report.untold} killed before the bot's code saw it`]]
      : []),
    ['killed with SIGKILL', report.kills],
    ['pairings', report.pairings],
    ['back after', report.kills > 0 ? `${report.resumeMs} ms (process start to login, median)` : '-'],
    ['the session lies in', `${report.store}${report.sealed ? ' (encrypted)' : ''}`],
  ]
  const isFine = report.lost === 0 && report.pairings === 1
  const lines = [
    '',
    ...rows.map(([name, value]) => `  ${String(name).padEnd(20)} ${value}`),
    '',
    isFine
      ? 'Nothing was lost, and the bot paired once.'
      : `Something was lost. Complaints: ${report.complaints.slice(0, 5).join('; ') || 'none'}`,
    options.kills > 0 && isFine ? inYourBot(report) : 'Try: npm run demo -- --messages 1000 --kills 10',
    '',
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

function inYourBot({ store, sealed }: Report): string {
  const names = callsOf.find(({ scheme }) => scheme.test(store))
  if (!names) return ''
  const { use, make, entry } = names
  if (sealed)
    return `In your bot: useAuthState(sealed(${make}, { keys }), { session }), from 'baileys-authkit', '/sealed' and '/${entry}'.`
  const path = entry === 'multi-file' ? '' : `/${entry}`
  return `In your bot: import { ${use} } from 'baileys-authkit${path}' instead of from Baileys. The rest stays.`
}

const callsOf = [
  { scheme: /^file:/, use: 'useMultiFileAuthState', make: 'multiFileStore(path)', entry: 'multi-file' },
  { scheme: /^sqlite:/, use: 'useSqliteAuthState', make: 'sqliteStore(path)', entry: 'sqlite' },
  { scheme: /^postgres/, use: 'usePostgresAuthState', make: 'postgresStore(pool)', entry: 'postgres' },
  { scheme: /^(mysql|mariadb):/, use: 'useMySQLAuthState', make: 'mysqlStore(pool)', entry: 'mysql' },
  { scheme: /^redis/, use: 'useRedisAuthState', make: 'redisStore(client)', entry: 'redis' },
  { scheme: /^mongodb/, use: 'useMongoAuthState', make: 'mongoStore(collection)', entry: 'mongodb' },
]
