import type { StoreWarning } from '../../src/store.ts'
import type { Connection, Row } from './client.ts'
import { literal, postgresSchema, qualified, type TableOptions, version } from './schema.ts'
import { trouble } from './trouble.ts'

/** A table that stands and can be used. */
export interface FoundTable {
  /** The schema that it is in, whether it was named or not. */
  readonly schema: string
  readonly warnings: readonly StoreWarning[]
}

/** Looks at the table, and creates it where there is none. */
export async function findOrCreate(connection: Connection, options: TableOptions): Promise<FoundTable> {
  const found = await find(connection, options)
  if (found) return found
  const problem = await connection.run(creation(options)).then(
    () => undefined,
    error => error,
  )
  // Whoever has made it meanwhile, by hand for example: it is there.
  const made = await find(connection, options)
  if (!made)
    throw (
      problem ??
      trouble('STORE_UNUSABLE', `${named(options)} was created, and is not there. Look at search_path.`)
    )
  return made
}

async function find(connection: Connection, options: TableOptions): Promise<FoundTable | undefined> {
  const [row = []] = await connection.rows(inspection, [qualified(options)])
  const table = factsOf(row)
  checkEncoding(table)
  if (table.kind === undefined) return undefined
  checkTable(table, options)
  return { schema: table.schema ?? '', warnings: warningsOf(table) }
}

/** One row, whether the table is there or not. */
const inspection = `select
    current_setting('server_encoding'), current_setting('client_encoding'),
    current_setting('fsync'), current_setting('full_page_writes'),
    schema.nspname::text, class.relkind::text, pg_catalog.obj_description(class.oid, 'pg_class'),
    (
      class.relpersistence = 'p' and not exists (
        select from pg_catalog.pg_inherits part join pg_catalog.pg_class child on child.oid = part.inhrelid
        where part.inhparent = class.oid and child.relpersistence <> 'p'
      )
    )::text,
    (
      select string_agg(concat_ws(' ', attribute.attname, type.typname, sorting.collname), ',' order by attribute.attname)
      from pg_catalog.pg_attribute attribute
      join pg_catalog.pg_type type on type.oid = attribute.atttypid
      left join pg_catalog.pg_collation sorting on sorting.oid = attribute.attcollation and attribute.attname <> 'value'
      where attribute.attrelid = class.oid and attribute.attname in ('scope', 'name', 'value')
    ),
    exists (
      select from pg_catalog.pg_index index
      join pg_catalog.pg_attribute scope on scope.attrelid = class.oid and scope.attname = 'scope'
      join pg_catalog.pg_attribute name on name.attrelid = class.oid and name.attname = 'name'
      where index.indrelid = class.oid and index.indisunique and index.indisvalid and index.indimmediate
        and index.indpred is null and index.indkey::text = concat(scope.attnum, ' ', name.attnum)
    )::text
  from (select pg_catalog.to_regclass($1::text) as oid) found
  left join pg_catalog.pg_class class on class.oid = found.oid
  left join pg_catalog.pg_namespace schema on schema.oid = class.relnamespace`

type Facts = ReturnType<typeof factsOf>

function factsOf(row: Row) {
  const [encoding, clientEncoding, fsync, pageWrites, schema, kind, comment, isLogged, columns, hasKey] = row
  return { encoding, clientEncoding, fsync, pageWrites, schema, kind, comment, isLogged, columns, hasKey }
}

function checkEncoding({ encoding, clientEncoding }: Facts): void {
  if (!holdsUnicode(encoding)) {
    throw trouble(
      'STORE_UNUSABLE',
      `The database is encoded in ${encoding}, which has no place for every text. Create one for it: create database ... encoding 'UTF8' template template0.`,
    )
  }
  if (!holdsUnicode(clientEncoding)) {
    throw trouble(
      'STORE_UNUSABLE',
      `The connection has client_encoding ${clientEncoding}, but the driver sends UTF-8. Leave client_encoding as the driver sets it.`,
    )
  }
}

/** SQL_ASCII keeps the bytes as they come. */
function holdsUnicode(encoding: string | undefined): boolean {
  return encoding === 'UTF8' || encoding === 'SQL_ASCII'
}

function checkTable({ kind, comment = '', columns, hasKey }: Facts, options: TableOptions): void {
  const found = Number(/^baileys-authkit schema (\d+)/.exec(comment)?.[1] ?? version)
  if (found > version) {
    throw trouble(
      'SCHEMA_NEWER',
      `${named(options)} has schema ${found}, made by a newer version of baileys-authkit; this one knows ${version}. Update it here too.`,
    )
  }
  const isTable = kind === 'r' || kind === 'p'
  const hasColumns = /^name text (?:C|POSIX|ucs_basic),scope text (?:C|POSIX|ucs_basic),value text$/.test(
    columns ?? '',
  )
  if (isTable && hasColumns && hasKey === 'true') return
  throw trouble(
    'STORE_UNUSABLE',
    `${named(options)} is not as a store needs it. Name another by the option 'table', or create it as postgresSchema() says.`,
  )
}

function warningsOf({ fsync, pageWrites, isLogged }: Facts): readonly StoreWarning[] {
  const unsafe = [
    ...(fsync === 'off' ? ['fsync is off'] : []),
    ...(pageWrites === 'off' ? ['full_page_writes is off'] : []),
    ...(isLogged === 'true' ? [] : ['the table is unlogged or temporary']),
  ]
  if (unsafe.length === 0) return []
  return [
    {
      code: 'POSTGRES_NOT_DURABLE',
      message: `PostgreSQL may lose what it has acknowledged: ${unsafe.join(', ')}. Turn the settings on, and say: alter table ... set logged.`,
    },
  ]
}

/** One statement that creates the table, one opener at a time, unless another has done so meanwhile. */
function creation(options: TableOptions): string {
  const body = `begin
    perform pg_catalog.pg_advisory_xact_lock(${creationLock});
    if pg_catalog.to_regclass(${literal(qualified(options))}) is null then
      ${postgresSchema(options)}
    end if;
  end`
  return `do ${literal(body)}`
}

/** Any number that nobody else is likely to use. */
const creationLock = '4702394921427289928'

function named(options: TableOptions): string {
  return `The table ${qualified(options)}`
}
