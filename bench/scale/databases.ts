import Database from 'better-sqlite3'
import pg from 'pg'
import type { Place } from '../places.ts'

/** What is measured at scale. */
export const scaleBackends: readonly ScaleBackend[] = ['SQLite', 'PostgreSQL']

/** One of those. */
export type ScaleBackend = 'SQLite' | 'PostgreSQL'

/** How many records each session has that {@link fill} writes. */
export const recordsEach = 1_000

/** The scope of the session of that number. */
export function scopeNamed(number: number): string {
  return `bot-${String(number).padStart(6, '0')}`
}

/** The record of that number, from 0 on. */
export function recordNamed(number: number): string {
  return `session/${String(5_511_000 + number)}.0`
}

/** Writes so many sessions into the table of a store that was opened, by one statement of the server's own. */
export const fill: { readonly [backend in ScaleBackend]: (place: Place, sessions: number) => Promise<void> } =
  {
    async SQLite({ folder }, sessions) {
      const database = new Database(`${folder}/bots.db`)
      database.pragma('synchronous = OFF')
      database
        .prepare(
          `with recursive number (n) as (select 0 union all select n + 1 from number where n < ${sessions * recordsEach - 1})
        insert into authkit_records (scope, name, value)
        select printf('bot-%06d', n / ${recordsEach}), printf('session/%d.0', 5511000 + n % ${recordsEach}), ? from number`,
        )
        .run(value)
      database.exec('analyze')
      database.close()
    },

    async PostgreSQL({ serverUrl, session: table }, sessions) {
      const client = new pg.Client(serverUrl)
      await client.connect()
      // A few at a time, so that what waits to be written to disk stays little.
      for (let first = 0; first < sessions; first += 500) {
        await client.query(
          `insert into ${table} (scope, name, value)
        select 'bot-' || lpad(scope::text, 6, '0'), 'session/' || record || '.0', $1
        from generate_series(${first}, ${Math.min(first + 500, sessions) - 1}) scope,
          generate_series(5511000, ${5511000 + recordsEach - 1}) record`,
          [value],
        )
      }
      await client.query(`vacuum analyze ${table}`)
      await client.end()
    },
  }

/** So small that ten million of them still fit this machine's memory. */
const value = JSON.stringify('x'.repeat(98))
