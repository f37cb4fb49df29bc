import assert from 'node:assert/strict'
import type { Pool, PoolOptions } from 'mysql2/promise'
import { fenceName } from '../../src/names.ts'
import type { Store } from '../../src/store.ts'
import { connect, freshTable, openStore } from './mysql-backend.ts'

const modes = [
  '',
  'NO_BACKSLASH_ESCAPES',
  'ANSI_QUOTES,PIPES_AS_CONCAT,IGNORE_SPACE',
  'TRADITIONAL',
  'ANSI,NO_BACKSLASH_ESCAPES,HIGH_NOT_PRECEDENCE,NO_UNSIGNED_SUBTRACTION',
  'PAD_CHAR_TO_FULL_LENGTH,ONLY_FULL_GROUP_BY,STRICT_ALL_TABLES',
]
const charsets = [
  'UTF8MB4_GENERAL_CI',
  'UTF8_GENERAL_CI',
  'LATIN1_SWEDISH_CI',
  'SJIS_JAPANESE_CI',
  'BIG5_CHINESE_CI',
  'BINARY',
]
const levels = ['read uncommitted', 'read committed', 'repeatable read', 'serializable']

/** What escapes, quotes, character sets and JSON trip over. */
const hostile = [
  '😀 emoji, ß, 日本語, \u{10ffff}',
  `'"\\\`%_?:x#--/*{}[]`,
  'ソ表能 – ￣ ~ ¥ \u2028\u2029\ufeff',
  ' spaces at both ends ',
  '',
  '\r\n\t\b\u001a\u0001\u007f\u0080',
  '{"json":"\\"","n":null}',
  'null',
]
const names = ['creds', 'a', 'A', '!,-./:=@_~+%', 'n'.repeat(400), '~', '0']

let table: string
let pools: Pool[]

beforeEach(() => {
  table = freshTable()
  pools = []
})
afterEach(async () => {
  const pool = connectAt()
  await pool.query('drop table if exists ??', [table])
  await Promise.all(pools.map(each => each.end()))
})

describe.each(modes.map(mode => [mode || 'no sql_mode', mode]))('with %s', (_, mode) => {
  test.each(charsets)(
    'and the character set %s every text comes back as it was given, at every isolation level',
    async charset => {
      const plain = await openStore(connectAt(), { table })
      for (const level of levels) {
        const pool = connectAt({ charset, connectionLimit: 1 })
        await pool.query('set sql_mode = ?', [mode])
        await pool.query(`set session transaction isolation level ${level}`)
        await roundTrip(await openStore(pool, { table }), plain, level.replace(' ', '-'))
      }
    },
  )
})

test.each(['sql_mode = ORACLE', 'sql_mode = EMPTY_STRING_IS_NULL', 'sql_mode = MAXDB'])(
  'MariaDB’s own %s changes nothing',
  async setting => {
    const pool = connectAt({ connectionLimit: 1 })
    // Another server does not know it, and keeps what it has.
    await pool.query(`set ${setting}`).catch(() => {})
    await roundTrip(await openStore(pool, { table }), await openStore(connectAt(), { table }), 'shop')
  },
)

test.each([
  'sql_select_limit = 1',
  'sql_safe_updates = 1',
  'character_set_results = null',
  "character_set_results = 'utf32'",
  "collation_connection = 'utf8mb4_bin'",
  "collation_connection = 'latin1_german2_ci'",
  "lc_messages = 'de_DE'",
  'innodb_lock_wait_timeout = 1',
  'unique_checks = 0',
  'foreign_key_checks = 0',
  'sql_big_selects = 0',
  "time_zone = '+09:00'",
])('the session’s %s changes nothing', async setting => {
  const pool = connectAt({ connectionLimit: 1 })
  await pool.query(`set session ${setting}`)
  await roundTrip(await openStore(pool, { table }), await openStore(connectAt(), { table }), 'shop')
})

const poolOptions: readonly (PoolOptions & { queryFormat?: unknown })[] = [
  { rowsAsArray: true },
  { rowsAsArray: false, nestTables: true },
  { nestTables: '_' },
  { namedPlaceholders: true },
  { typeCast: false },
  { typeCast: field => `cast ${field.string()}` },
  { dateStrings: true },
  { multipleStatements: true },
  { stringifyObjects: true },
  { supportBigNumbers: true, bigNumberStrings: true },
  { decimalNumbers: true },
  { disableEval: true },
  { jsonStrings: true },
  { compress: true },
  { trace: false },
  { flags: ['FOUND_ROWS', 'IGNORE_SPACE'] },
  { flags: ['-FOUND_ROWS', '-TRANSACTIONS'] },
  { queryFormat: (sql: string) => sql },
]

test.each(poolOptions.map(options => [JSON.stringify(options), options] as const))(
  'the pool’s %s changes nothing',
  async (_, options) => {
    await roundTrip(
      await openStore(connectAt(options), { table }),
      await openStore(connectAt(), { table }),
      'shop',
    )
  },
)

/** Writes, guards, reads, lists and removes by one store, and compares with what another sees. */
async function roundTrip(store: Store, other: Store, scope: string): Promise<void> {
  const texts = names.map((name, index) => ({ name, value: `${hostile[index]}${hostile[7 - index]}` }))
  const guarded = { name: fenceName, value: hostile.join('') }
  assert.equal(await store.write(scope, [guarded, ...texts], [{ ...guarded, value: undefined }]), true)
  assert.equal(await store.write(scope, texts, [{ ...guarded, value: `${guarded.value} ` }]), false)
  assert.equal(await store.write(scope, [{ name: 'gone', value: undefined }, ...texts], [guarded]), true)
  for (const reader of [store, other]) {
    const expected = [guarded, ...texts]
    assert.deepEqual(await reader.read(scope, ['none', ...expected.map(({ name }) => name)]), [
      undefined,
      ...expected.map(({ value }) => value),
    ])
    const found = new Map<string, string | undefined>()
    for await (const page of reader.list(scope, { values: true })) {
      for (const { name, value } of page) found.set(name, value)
    }
    assert.deepEqual(
      found,
      new Map(Array.from(found.keys(), name => [name, expected.find(each => each.name === name)?.value])),
    )
    assert.equal(found.size, expected.length)
    const scopes: string[] = []
    for await (const page of reader.scopes()) scopes.push(...page)
    assert.deepEqual(scopes, [scope])
  }
  assert.equal(await store.remove(scope, [{ ...guarded, value: '' }]), false)
  assert.equal(await store.remove(scope, [guarded]), true)
  assert.deepEqual(await other.read(scope, [fenceName, 'creds']), [undefined, undefined])
}

function connectAt(options: PoolOptions = {}): Pool {
  const pool = connect(options)
  pools.push(pool)
  return pool
}
