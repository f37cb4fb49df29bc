/** Where the records are. */
export interface TableOptions {
  /** The table's name. @default 'authkit_records' */
  readonly table?: string | undefined
  /** The table's schema. @default the first of the connection's `search_path` that exists */
  readonly schema?: string | undefined
}

/** What {@link postgresSchema} is asked for. */
export interface PostgresSchemaOptions extends TableOptions {
  /** Into how many partitions the table is divided, by a hash of the session; for very large fleets. @default none */
  readonly partitions?: number | undefined
}

/** The version of the table's shape, which a comment on it keeps. */
export const version = 1
const mark = `baileys-authkit schema ${version}`
const longestNameBytes = 63
const mostPartitions = 4096

/**
 * The SQL that creates the table which a store would create by itself, for those who do that by migrations. It may be
 * run again. Role and rights are as for any table: a bot needs `select`, `insert`, `update` and `delete` on it.
 *
 * @throws TypeError for a name that PostgreSQL would cut, and for a number of partitions that is none
 *
 * @example
 * await pool.query(postgresSchema({ table: 'bots', partitions: 16 }))
 */
export function postgresSchema(options: PostgresSchemaOptions = {}): string {
  const { schema, partitions } = options
  const table = qualified(options)
  const create = `create table if not exists ${table} (
  scope text collate "C" not null,
  name text collate "C" not null,
  value text collate "C" not null,
  primary key (scope, name)
)`
  return [
    ...(schema === undefined ? [] : [schemaCreation(quoted(schema))]),
    // Room on each page lets an update stay on it, and then no index has to change.
    ...(partitions === undefined
      ? [`${create} with (fillfactor = 75)`]
      : [`${create} partition by hash (scope)`, ...partitionsOf(options, table, partitions)]),
    `comment on table ${table} is '${mark}'`,
  ]
    .map(statement => `${statement};\n`)
    .join('')
}

/** `if not exists` asks for the right to create one although it exists. */
function schemaCreation(schema: string): string {
  return `do ${literal(`begin
  if pg_catalog.to_regnamespace(${literal(schema)}) is null then
    create schema if not exists ${schema};
  end if;
end`)}`
}

/** A text's literal, in the form that means the same under every standard_conforming_strings. */
export function literal(text: string): string {
  return `E'${text.replace(/['\\]/g, character => (character === "'" ? "''" : '\\\\'))}'`
}

/** The quoted name of a table. @throws TypeError for names that PostgreSQL has no place for */
export function qualified({ table = 'authkit_records', schema }: TableOptions): string {
  checkName('table', table)
  if (schema !== undefined) checkName('schema', schema)
  return schema === undefined ? quoted(table) : `${quoted(schema)}.${quoted(table)}`
}

function partitionsOf(
  { table = 'authkit_records', schema }: TableOptions,
  parent: string,
  count: number,
): string[] {
  if (!Number.isInteger(count) || count < 1 || count > mostPartitions) {
    throw new TypeError(`option 'partitions' takes a whole number from 1 to ${mostPartitions}.`)
  }
  return Array.from({ length: count }, (_, at) => {
    const part = qualified({ table: `${table}_${at}`, schema })
    return `create table if not exists ${part} partition of ${parent} for values with (modulus ${count}, remainder ${at}) with (fillfactor = 75)`
  })
}

function checkName(option: string, name: unknown): void {
  if (typeof name !== 'string' || name === '' || name.includes('\0')) {
    throw new TypeError(`option '${option}' takes a name: a text that is not empty.`)
  }
  if (Buffer.byteLength(name) > longestNameBytes) {
    throw new TypeError(
      `option '${option}' takes a name of at most ${longestNameBytes} bytes: PostgreSQL cuts longer ones.`,
    )
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
