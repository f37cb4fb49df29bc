import type { Change, Guard } from '../../src/store.ts'
import { arrayOf } from './client.ts'

/** Everything that is asked of one table. No text of anybody's is part of it but the table's quoted name. */
export interface Statements {
  /** Scope, names: name and value of those that are there. */
  readonly read: string
  /** The parameters of {@link writeValues}: one row, how it went. */
  readonly write: string
  /** The parameters of {@link appendValues}: one row, how it went; `again` is for {@link write}. */
  readonly append: string
  /** The parameters of {@link removeValues}: one row, how it went. */
  readonly remove: string
  /** Scope, first name, name after the last, rows, bytes: name and value, in order. */
  readonly entries: string
  /** Scope, first name, name after the last, bytes: name and value of all, or nothing where that is more. */
  readonly whole: string
  /** As {@link entries}, without values and bytes. */
  readonly names: string
  /** First scope, scope after the last, rows: scope, and whether it holds more than reserved records. */
  readonly scopes: string
}

/**
 * How a batch went. `again`: nothing changed, since another batch on the same guard landed after this statement
 * had begun, so that it can't have seen all that is there now.
 */
export type Outcome = 'landed' | 'refused' | 'again'

// A role or database may have it off; a session's records must be on disk when the statement returns.
const durable = `case current_setting('synchronous_commit') when 'off' then set_config('synchronous_commit', 'on', true) end`

/** The statements for a table, by its quoted name. */
export function statementsFor(table: string): Statements {
  /**
   * Locks records in a fixed order, and says whether the guards on them hold. All parts of a statement see the data
   * as it was when it began, but a lock may have waited for another batch: its records would be seen only in part.
   * Every batch writes the records that it guards, so a version that has changed since tells of one.
   */
  const locked = (which: string) => `
    seen as materialized (
      select name, xmin as version from ${table} where scope = $1 and ${which}
    ),
    guards as materialized (
      select name, value from unnest($2::text[], $3::text[]) as guards (name, value)
    ),
    held as materialized (
      select record.name, record.xmin as version, guard.name is not null as guarded
      from ${table} record left join unnest($2::text[], $3::text[]) as guard (name, value) on guard.name = record.name
      where record.scope = $1 and record.${which} and (guard.name is null or record.value = guard.value)
      order by record.name for no key update of record
    ),
    state as materialized (
      select
        (select count(*) from held where guarded) = (select count(*) from guards)
          and not exists (select from ${table} where scope = $1 and name = any($4::text[])) as holds,
        not exists (select from held join seen using (name) where held.version::text <> seen.version::text) as fresh,
        ${durable} as durable
    )`
  return {
    read: `select name, value from ${table} where scope = $1 and name = any($2::text[])`,
    write: `with ${locked('name = any($5::text[])')},
      created as (
        insert into ${table} (scope, name, value)
        select $1, made.name, made.value from unnest($6::text[], $7::text[]) as made (name, value), state
        where state.holds and state.fresh
        on conflict (scope, name) do nothing returning name
      ),
      landing as materialized (
        select (select holds and fresh from state) and count(*) = cardinality($6::text[]) as lands, count(*) as created
        from created
      ),
      put as (
        insert into ${table} (scope, name, value)
        select $1, made.name, made.value from unnest($8::text[], $9::text[]) as made (name, value), landing
        where landing.lands
        on conflict (scope, name) do update set value = excluded.value
      ),
      removed as (
        delete from ${table} where scope = $1 and name = any($10::text[]) and (select lands from landing)
      )
      select case
        when landing.lands then 'landed'
        when state.holds and not state.fresh then 'again'
        -- Some of several guarded absences are not: an error undoes the records that were created for the others.
        when landing.created > 0 then (1 / (landing.created - landing.created))::text
        else 'refused'
      end from landing, state`,
    // What a session writes all the time, at a quarter of the cost: a batch under one guard that it leaves as it is. The
    // guard is written as it is, which locks it, unless another batch on it has landed since the statement began.
    append: `with seen as materialized (
        select xmin as version, ${durable} as durable from ${table} where scope = $1 and name = $2 and value = $3
      ),
      guard as materialized (
        update ${table} record set value = record.value from seen
        where record.scope = $1 and record.name = $2 and record.value = $3 and record.xmin = seen.version
        returning 1
      ),
      put as (
        insert into ${table} (scope, name, value)
        select $1, made.name, made.value from guard, unnest($4::text[], $5::text[]) as made (name, value)
        on conflict (scope, name) do update set value = excluded.value
      ),
      removed as (
        delete from ${table} where scope = $1 and name = any($6::text[]) and exists (select from guard)
      )
      select case
        when exists (select from guard) then 'landed' when exists (select from seen) then 'again' else 'refused'
      end`,
    remove: `with ${locked('name is not null')},
      removed as (
        delete from ${table} where scope = $1 and (select holds and fresh from state)
      )
      select case when holds and fresh then 'landed' when holds then 'again' else 'refused' end from state`,
    // A page ends before the record that would make it too large, but has one at least.
    entries: `select name, value from (
        select name, value, sum(octet_length(value)) over (order by name) - octet_length(value) as before
        from (
          select name, value from ${table} where scope = $1 and name >= $2 and name < $3 order by name limit $4::int
        ) records
      ) records where before < $5::int order by name`,
    // A third of the time that a page takes.
    whole: `select name, value from ${table} where scope = $1 and name >= $2 and name < $3 and (
        select sum(octet_length(name) + octet_length(value)) from ${table}
        where scope = $1 and name >= $2 and name < $3
      ) < $4::int`,
    names: `select name from ${table} where scope = $1 and name >= $2 and name < $3 order by name limit $4::int`,
    // One look at the index a scope, whatever it holds. \`!\` is the lowest character of names, \`"\` the next: what is
    // not reserved begins there.
    scopes: `with recursive found (scope) as (
        (select scope from ${table} where scope >= $1 and scope < $2 order by scope limit 1)
        union all
        select (
          select record.scope from ${table} record
          where record.scope > found.scope and record.scope < $2 order by record.scope limit 1
        ) from found where found.scope is not null
      )
      select scope, exists (
        select from ${table} record where record.scope = found.scope and record.name >= '"'
      )::text from found where scope is not null limit $3::int`,
  }
}

/** The parameters of a batch. */
export function writeValues(scope: string, changes: readonly Change[], guards: readonly Guard[]): string[] {
  const { kept, absent } = partsOf(guards)
  const changed = new Set(changes.map(({ name }) => name))
  const puts = changes.filter(isPut)
  const removed = changes.filter(change => !isPut(change)).map(({ name }) => name)
  const created = puts.filter(({ name }) => absent.has(name))
  // Every record that a guard names is written, if only as it is: see \`locked\`.
  const others = [
    ...puts.filter(({ name }) => !absent.has(name)),
    ...kept.filter(({ name }) => !changed.has(name)),
  ]
  // Two batches without a guard in common must not lock each other's records in different orders.
  const locks = kept.length === 0 && removed.length > 0 ? [...changed] : kept.map(({ name }) => name)
  return [
    scope,
    ...guardValues(kept, absent),
    arrayOf(locks),
    ...columns(created),
    ...columns(others),
    arrayOf(removed),
  ]
}

/** The parameters of a batch under one guard that it leaves as it is; `undefined` for any other one. */
export function appendValues(
  scope: string,
  changes: readonly Change[],
  guards: readonly Guard[],
): string[] | undefined {
  const [guard, ...others] = guards
  if (!guard || others.length > 0 || !isPut(guard)) return undefined
  if (changes.some(({ name }) => name === guard.name)) return undefined
  const removed = changes.filter(change => !isPut(change)).map(({ name }) => name)
  return [scope, guard.name, guard.value, ...columns(changes.filter(isPut)), arrayOf(removed)]
}

/** The parameters of a removal. */
export function removeValues(scope: string, guards: readonly Guard[]): string[] {
  const { kept, absent } = partsOf(guards)
  return [scope, ...guardValues(kept, absent)]
}

interface Put {
  readonly name: string
  readonly value: string
}

function isPut(change: Change | Guard): change is Put {
  return change.value !== undefined
}

function partsOf(guards: readonly Guard[]): {
  readonly kept: readonly Put[]
  readonly absent: ReadonlySet<string>
} {
  const absent = guards.filter(guard => !isPut(guard)).map(({ name }) => name)
  // The same guard twice is one.
  const kept = new Map(guards.filter(isPut).map(guard => [`${guard.name} ${guard.value}`, guard]))
  return { kept: [...kept.values()], absent: new Set(absent) }
}

function guardValues(kept: readonly Put[], absent: ReadonlySet<string>): string[] {
  return [...columns(kept), arrayOf([...absent])]
}

/** Names and values, in the order in which they are to be written, so that two batches never wait for each other. */
function columns(puts: readonly Put[]): [names: string, values: string] {
  const sorted = puts.toSorted((one, other) => (one.name < other.name ? -1 : 1))
  return [arrayOf(sorted.map(({ name }) => name)), arrayOf(sorted.map(({ value }) => value))]
}
