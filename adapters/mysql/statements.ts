import type { Change, Guard } from '../../src/store.ts'

/**
 * Every statement that is made of the table, each one round trip. Neither the connection's character set nor any
 * `sql_mode` can change one: what callers name stands in them as hexadecimal, and what they keep as base64.
 */
export interface Statements {
  read(scope: string, names: readonly string[]): string
  write(scope: string, changes: readonly Change[], guards: readonly Guard[]): string
  sweep(scope: string): string
  remove(scope: string, guards: readonly Guard[]): string
  page(scope: string, from: string, before: string, limit: number, values: boolean): string
  whole(scope: string): string
  nextScope(from: string, before: string): string
}

/**
 * The greatest number that MySQL and MariaDB count with: adding 1 to it is an error in every `sql_mode`, and undoes
 * the statement. So a guard says that it does not hold.
 */
const greatest = '18446744073709551615'

/** Up to so many characters a batch is sent in hexadecimal: less than the smallest `max_allowed_packet` in use, 1 MiB. */
const hexLength = 160 * 1024

/** From here on MariaDB makes a table of the list, which it then has to search. */
const longestList = 500

/** The statements on one table; `isDirty` where the connections read what is not committed. */
export function statementsOn(table: string, isDirty: boolean): Statements {
  const records = identifier(table)
  // Half of a batch would be seen otherwise. Rows are locked in the order in which batches lock them.
  const reading = isDirty ? ' lock in share mode' : ''
  return {
    read: (scope, names) =>
      `select cast(name as binary), value from ${records} where scope = ${text(scope)} and (${isOneOf(names)})` +
      ` and value is not null limit ${names.length}${reading}`,

    // The rows' order is that of `batchRows`. A guarded record is locked by its first row, an insert that changes
    // nothing, whatever the isolation level; its second compares it as it is then, not as some snapshot has it.
    write: (scope, changes, guards) =>
      append(records, scope, changes, guards) ??
      `insert into ${records} (scope, name, value)` +
        ` select ${text(scope)}, convert(from_base64(n) using ascii), from_base64(v)` +
        ` from json_table(_utf8mb4'${JSON.stringify(batchRows(changes, guards))}', '$[*]' columns` +
        " (o for ordinality, n longtext path '$[0]', v longtext path '$[1]')) c order by o" +
        ` on duplicate key update value = case when o <= ${guards.length} then value` +
        ` when o <= ${2 * guards.length} and not (value <=> from_base64(v)) then ${greatest} + o` +
        ' else from_base64(v) end',

    sweep: scope => `delete from ${records} where scope = ${text(scope)} and value is null`,

    remove: (scope, guards) =>
      guards.length === 0
        ? `delete from ${records} where scope = ${text(scope)}`
        : `delete r from ${records} r join (${guarded(records, scope, guards)}) g` +
          ` where r.scope = ${text(scope)} and g.held > 0`,

    page: (scope, from, before, limit, values) =>
      `select cast(name as binary)${values ? ', value' : ''} from ${records}` +
      ` where scope = ${text(scope)} and name >= ${text(from)} and name < ${text(before)}` +
      ` and value is not null order by name limit ${limit}`,

    // With the rows of removed records. A server adds up their lengths, to say how many there would be, in the time in
    // which it sends them.
    whole: scope => `select cast(name as binary), value from ${records} where scope = ${text(scope)}`,

    // `!` is the lowest character of names, `"` the next: what is not reserved begins there.
    nextScope: (from, before) =>
      `select cast(scope as binary) from ${records} where scope >= ${text(from)} and scope < ${text(before)}` +
      ` and name >= ${text('"')} and value is not null order by scope, name limit 1`,
  }
}

/** A name of a table or column, quoted as it is in every `sql_mode`. */
export function identifier(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

/** A text of printable ASCII. */
export function text(ascii: string): string {
  return `_ascii x'${Buffer.from(ascii, 'latin1').toString('hex')}'`
}

/** The least text that comes after `name`, of those that the contract allows: `!` is their lowest character. */
export function after(name: string): string {
  return `${name}!`
}

/** What comes after all texts that begin with `prefix`: above `~`, their highest character. */
export function endOf(prefix: string): string {
  return `${prefix}\u007f`
}

/**
 * The same for a batch under one guard that it leaves as it is, which is what a session writes all the time: a server
 * takes in a list of rows in half the time. `undefined` for any other batch.
 */
function append(
  records: string,
  scope: string,
  changes: readonly Change[],
  guards: readonly Guard[],
): string | undefined {
  const [guard, ...others] = guards
  if (!guard || others.length > 0 || guard.value === undefined) return undefined
  if (changes.some(({ name }) => name === guard.name)) return undefined
  const rows = [{ name: guard.name, value: undefined }, guard, ...sorted(changes)]
  const literal = literalFor(rows)
  const ofScope = text(scope)
  const values = rows.map(({ name, value }) => {
    return `(${ofScope},${text(name)},${value === undefined ? 'null' : literal(value)})`
  })
  const isGuard = `name = ${text(guard.name)}`
  return (
    `insert into ${records} (scope, name, value) values ${values.join(',')}` +
    ` on duplicate key update value = case when ${isGuard} then` +
    ` case when values(value) is null or value <=> values(value) then value else ${greatest} + (${isGuard}) end` +
    ' else values(value) end'
  )
}

/** Hexadecimal is read the fastest, and base64 takes the least space. */
function literalFor(rows: readonly Guard[]): (value: string) => string {
  const length = rows.reduce((sum, { value = '' }) => sum + value.length, 0)
  return length < hexLength
    ? value => `x'${Buffer.from(value).toString('hex')}'`
    : value => `from_base64('${base64(value)}')`
}

/** A record's name and its text, if any, in base64. */
type BatchRow = readonly [name: string, value?: string]

/**
 * The rows that lock what is guarded, those that hold what it must be, and those that change something: batches of one
 * scope queue up behind its fence, and none waits for a row that another has while it holds one that the other wants.
 */
function batchRows(changes: readonly Change[], guards: readonly Guard[]): readonly BatchRow[] {
  const inOrder = sorted(guards)
  return [...inOrder.map(({ name }) => ({ name, value: undefined })), ...inOrder, ...sorted(changes)].map(
    ({ name, value }): BatchRow => (value === undefined ? [base64(name)] : [base64(name), base64(value)]),
  )
}

/** Fails as a batch's guards do, with the guards' rows locked. */
function guarded(records: string, scope: string, guards: readonly Guard[]): string {
  const expected = guards.filter(({ value }) => value !== undefined)
  const cases = expected.map(
    ({ name, value = '' }) => `when name = ${text(name)} and value = from_base64('${base64(value)}') then 1`,
  )
  const matches = `case ${cases.join(' ')} else ${guards.length + 1} end`
  return (
    `select ${greatest} + (coalesce(sum(${cases.length > 0 ? matches : guards.length + 1}), 0) <> ${expected.length}) as held` +
    ` from ${records} where scope = ${text(scope)} and (${isOneOf(guards.map(({ name }) => name))})` +
    ' and value is not null for update'
  )
}

function isOneOf(names: readonly string[]): string {
  const lists: string[] = []
  for (let from = 0; from < names.length; from += longestList) {
    lists.push(
      `name in (${names
        .slice(from, from + longestList)
        .map(text)
        .join(',')})`,
    )
  }
  return lists.join(' or ')
}

function sorted<T extends { readonly name: string }>(items: readonly T[]): readonly T[] {
  return Array.from(items).sort((a, b) => (a.name < b.name ? -1 : 1))
}

function base64(value: string): string {
  return Buffer.from(value).toString('base64')
}
