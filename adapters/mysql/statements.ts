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
  nextScope(from: string, before: string): string
}

/**
 * The greatest number that MySQL and MariaDB count with: adding 1 to it is an error in every `sql_mode`, and undoes
 * the statement. So a guard says that it does not hold.
 */
const greatest = '18446744073709551615'

/** From here on MariaDB makes a table of the list, which it then has to search. */
const longestList = 500

/** What a row of a batch does. A change without a mark puts its value. */
const lock = 1
const check = 2

/** A row of a batch, as JSON: `k` is its mark, `n` the name, `e` the text that a guard expects, `v` the new one. */
interface BatchRow {
  readonly k?: number
  readonly n: string
  readonly e?: string
  readonly v?: string
}

/** The statements on one table; `isDirty` where the connections read what is not committed. */
export function statementsOn(table: string, isDirty: boolean): Statements {
  const records = identifier(table)
  // Half of a batch would be seen otherwise. Rows are locked in the order in which batches lock them.
  const reading = isDirty ? ' lock in share mode' : ''
  return {
    read: (scope, names) =>
      `select cast(name as binary), value from ${records} where scope = ${text(scope)} and (${isOneOf(names)})` +
      ` and value is not null limit ${names.length}${reading}`,

    // A guarded record is locked by the insert, whatever the isolation level; then it is compared as it is now, not
    // as some snapshot has it. The rows' order makes it so, and lets batches of one scope queue up behind its fence.
    write: (scope, changes, guards) =>
      `insert into ${records} (scope, name, value)` +
      ` select ${text(scope)}, convert(from_base64(n) using ascii), from_base64(v)` +
      ` from json_table(_utf8mb4'${JSON.stringify(batchRows(changes, guards))}', '$[*]' columns (o for ordinality,` +
      ` k int path '$.k', n longtext path '$.n', e longtext path '$.e', v longtext path '$.v')) c order by o` +
      ` on duplicate key update value = case when k = ${lock} then value` +
      ` when k = ${check} and not (value <=> from_base64(e)) then ${greatest} + k` +
      ` else from_base64(v) end`,

    sweep: scope => `delete from ${records} where scope = ${text(scope)} and value is null`,

    remove: (scope, guards) =>
      guards.length === 0
        ? `delete from ${records} where scope = ${text(scope)}`
        : `delete r from ${records} r join (${guarded(records, scope, guards)}) g` +
          ` where r.scope = ${text(scope)} and g.held > 0`,

    page: (scope, from, before, limit, values) =>
      `select cast(name as binary)${values ? ', value' : ''} from ${records} where scope = ${text(scope)}` +
      ` and name >= ${text(from)} and name < ${text(before)} and value is not null order by name limit ${limit}`,

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

function batchRows(changes: readonly Change[], guards: readonly Guard[]): readonly BatchRow[] {
  const changed = new Map(changes.map(change => [change.name, change]))
  const guarded = new Set(guards.map(({ name }) => name))
  const checks = sorted(guards).flatMap(({ name, value }): BatchRow[] => {
    const next = changed.get(name)
    const kept = next ? next.value : value
    const n = base64(name)
    return [
      { k: lock, n },
      {
        k: check,
        n,
        ...(value !== undefined && { e: base64(value) }),
        ...(kept !== undefined && { v: base64(kept) }),
      },
    ]
  })
  const others = changes.filter(({ name }) => !guarded.has(name))
  return [
    ...checks,
    ...sorted(others).map(
      ({ name, value }): BatchRow => ({ n: base64(name), ...(value !== undefined && { v: base64(value) }) }),
    ),
  ]
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
