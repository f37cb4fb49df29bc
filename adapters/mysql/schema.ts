import type { StoreWarning } from '../../src/store.ts'
import type { MySQLPool } from './client.ts'
import { change, rowsOf, uncommitted } from './run.ts'
import { identifier, text } from './statements.ts'
import { trouble } from './trouble.ts'

/** What {@link mysqlSchema} makes. */
export interface MySQLSchemaOptions {
  /** @default 'authkit_records' */
  readonly table?: string
}

/** What a server said of itself when the store was opened. */
export interface Server {
  readonly maxPacketBytes: number
  /** Whether plain reads see what is not committed. */
  readonly isDirty: boolean
  readonly warnings: readonly StoreWarning[]
}

/** Where records are kept if nothing else is said. */
export const defaultTable = 'authkit_records'

const version = 1
const longestTable = 64

/** The statement that makes the table, for those who run their migrations by hand. @throws TypeError for a wrong name */
export function mysqlSchema({ table = defaultTable }: MySQLSchemaOptions = {}): string {
  checkTable(table)
  return `create table if not exists ${identifier(table)} (
  scope varchar(200) character set ascii collate ascii_bin not null,
  name varchar(400) character set ascii collate ascii_bin not null,
  value longblob,
  primary key (scope, name)
) engine = InnoDB row_format = dynamic default character set ascii collate ascii_bin comment = 'baileys-authkit schema ${version}'`
}

/** @throws TypeError for a name that a table can't have in every connection's character set */
export function checkTable(table: string): void {
  const isName =
    typeof table === 'string' && table.length <= longestTable && /^[!-~]([ -~]*[!-~])?$/.test(table)
  if (!isName) {
    throw new TypeError(
      `The option table takes a table's name: up to ${longestTable} printable ASCII characters, without a database.`,
    )
  }
}

/**
 * Makes the table where it is missing; asks for no more than `select` where it stands. Safe when many do it at once.
 *
 * @throws AuthStateError `SCHEMA_NEWER`, or `STORE_UNUSABLE` for another table, server or setting than it takes
 */
export async function prepare(pool: MySQLPool, table: string): Promise<Server> {
  const settings = await settingsOf(pool)
  checkSettings(settings)
  if (!(await stands(pool, table, settings))) {
    await change(pool, mysqlSchema({ table }))
    await stands(pool, table, settings)
  }
  return {
    maxPacketBytes: Number(settings.get('max_allowed_packet')),
    isDirty: isolationOf(settings) === 'READ-UNCOMMITTED',
    warnings: warningsOf(settings),
  }
}

type Settings = ReadonlyMap<string, string>

const asked = [
  'version',
  'autocommit',
  'max_allowed_packet',
  'lower_case_table_names',
  // MariaDB has the first, MySQL the second.
  'tx_isolation',
  'transaction_isolation',
  'innodb_flush_log_at_trx_commit',
  'log_bin',
  'sync_binlog',
  'wsrep_on',
  'group_replication_single_primary_mode',
]

async function settingsOf(pool: MySQLPool): Promise<Settings> {
  const names = asked.map(name => `'${name}'`).join(', ')
  const rows = await rowsOf(pool, `show variables where variable_name in (${names})`)
  return new Map(rows.map(([name, value]) => [String(name), String(value)]))
}

function checkSettings(settings: Settings): void {
  const server = settings.get('version') ?? ''
  const [major = 0, minor = 0] = server.split(/[.-]/).map(Number)
  const [leastMajor, leastMinor, least] = /mariadb/i.test(server)
    ? ([10, 6, 'MariaDB 10.6'] as const)
    : ([8, 0, 'MySQL 8.0'] as const)
  if (major < leastMajor || (major === leastMajor && minor < leastMinor)) {
    throw trouble(
      'STORE_UNUSABLE',
      `The server is ${server}; a mysql store needs ${least} or newer. Update the server.`,
    )
  }
  if (settings.get('autocommit') === 'OFF') throw uncommitted(false)
}

/** Whether the table is there, as this version makes it. */
async function stands(pool: MySQLPool, table: string, settings: Settings): Promise<boolean> {
  const rows = await rowsOf(
    pool,
    `select table_name, engine, table_comment from information_schema.tables where table_schema = database() and table_name = ${text(table)}`,
  )
  const isLowerCased = settings.get('lower_case_table_names') !== '0'
  const found = rows.find(([name]) => isLowerCased || String(name) === table)
  if (!found) return false
  const [, engine, comment] = found.map(String)
  const made = /^baileys-authkit schema (\d+)$/.exec(comment ?? '')
  if (!made || engine !== 'InnoDB') {
    throw trouble(
      'STORE_UNUSABLE',
      `The MySQL table ${table} is not one that this package has made: its engine is ${engine}, and its comment not "baileys-authkit schema ${version}". ` +
        'Name another in the option table, or make it with the statement that mysqlSchema() gives.',
    )
  }
  if (Number(made[1]) > version) {
    throw trouble(
      'SCHEMA_NEWER',
      `The MySQL table ${table} has schema ${made[1]}, made by a newer version of baileys-authkit; this one knows ${version}. Update it here too.`,
    )
  }
  return true
}

function isolationOf(settings: Settings): string | undefined {
  return settings.get('transaction_isolation') ?? settings.get('tx_isolation')
}

function warningsOf(settings: Settings): readonly StoreWarning[] {
  const unsafe = [
    ...(settings.get('innodb_flush_log_at_trx_commit') === '1' ? [] : ['innodb_flush_log_at_trx_commit']),
    ...(settings.get('log_bin') === 'ON' && settings.get('sync_binlog') !== '1' ? ['sync_binlog'] : []),
  ]
  const isMultiPrimary =
    settings.get('wsrep_on') === 'ON' || settings.get('group_replication_single_primary_mode') === 'OFF'
  return [
    ...unsafe.map(name => ({
      code: 'MYSQL_NOT_DURABLE',
      message: `The server's ${name} is ${settings.get(name)}: a crash of its machine may take what was acknowledged. Set it to 1.`,
    })),
    ...(isMultiPrimary
      ? [
          {
            code: 'MYSQL_MULTI_PRIMARY',
            message:
              'Several nodes of this cluster take writes, and a fence holds only on one of them. Point the pools of all processes at the same node.',
          },
        ]
      : []),
  ]
}
