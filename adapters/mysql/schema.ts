import type { StoreWarning } from '../../src/store.ts'
import { type Connections, uncommitted } from './connections.ts'
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
export async function prepare(connections: Connections, table: string): Promise<Server> {
  const settings = await settingsOf(connections)
  checkSettings(settings)
  if (!(await stands(connections, table, settings))) {
    await connections.change(mysqlSchema({ table }))
    await stands(connections, table, settings)
  }
  return {
    maxPacketBytes: Number(settings.get('max_allowed_packet')),
    isDirty: settings.get('isolation') === 'READ-UNCOMMITTED',
    warnings: warningsOf(settings),
  }
}

type Settings = ReadonlyMap<string, string>

/** What MySQL and MariaDB both have. */
const common = [
  'version',
  'autocommit',
  'max_allowed_packet',
  'lower_case_table_names',
  'innodb_flush_log_at_trx_commit',
  'log_bin',
  'sync_binlog',
]
/** What only some servers have: these can't be selected. */
const special = ['wsrep_on', 'group_replication_single_primary_mode']

async function settingsOf(connections: Connections): Promise<Settings> {
  const known = await variables(connections, common)
  const server = known.get('version') ?? ''
  const isolation = isMariaDB(server) && isBefore(server, 11, 1) ? 'tx_isolation' : 'transaction_isolation'
  const level = (await variables(connections, [isolation])).get(isolation)
  const shown = await connections.rows(
    `show variables where variable_name in (${special.map(name => `'${name}'`).join(', ')})`,
  )
  return new Map([
    ...known,
    ['isolation', level ?? ''],
    ...shown.map(([name, value]): [string, string] => [String(name), String(value)]),
  ])
}

async function variables(connections: Connections, names: readonly string[]): Promise<Map<string, string>> {
  const columns = names.map(name => `cast(@@${name} as binary)`).join(', ')
  const [row = []] = await connections.rows(`select ${columns} limit 1`)
  return new Map(names.map((name, index) => [name, String(row[index])]))
}

/** Servers differ in how they say it. */
function isOn(settings: Settings, name: string): boolean {
  return ['1', 'ON'].includes(settings.get(name) ?? '')
}

function isMariaDB(server: string): boolean {
  return /mariadb/i.test(server)
}

function isBefore(server: string, major: number, minor: number): boolean {
  const [itsMajor = 0, itsMinor = 0] = server.split(/[.-]/).map(Number)
  return itsMajor < major || (itsMajor === major && itsMinor < minor)
}

function checkSettings(settings: Settings): void {
  const server = settings.get('version') ?? ''
  const [major, minor, least] = isMariaDB(server)
    ? ([10, 6, 'MariaDB 10.6'] as const)
    : ([8, 0, 'MySQL 8.0'] as const)
  if (isBefore(server, major, minor)) {
    throw trouble(
      'STORE_UNUSABLE',
      `The server is ${server}; a mysql store needs ${least} or newer. Update the server.`,
    )
  }
  if (!isOn(settings, 'autocommit')) throw uncommitted(false)
}

/** Whether the table is there, as this version makes it. */
async function stands(connections: Connections, table: string, settings: Settings): Promise<boolean> {
  const rows = await connections.rows(
    `select cast(table_name as binary), cast(engine as binary), cast(table_comment as binary) from information_schema.tables where table_schema = database() and table_name = ${text(table)} limit 9`,
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

function warningsOf(settings: Settings): readonly StoreWarning[] {
  const unsafe = [
    ...(settings.get('innodb_flush_log_at_trx_commit') === '1' ? [] : ['innodb_flush_log_at_trx_commit']),
    ...(isOn(settings, 'log_bin') && settings.get('sync_binlog') !== '1' ? ['sync_binlog'] : []),
  ]
  const isMultiPrimary =
    isOn(settings, 'wsrep_on') || settings.get('group_replication_single_primary_mode') === 'OFF'
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
