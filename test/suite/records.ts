import assert from 'node:assert/strict'
import type { Change, ListOptions, Store } from '../../src/store.ts'

/** Records by name; `undefined` where one is to be removed. */
export type Records = Readonly<Record<string, string | undefined>>

/** A batch out of names and values. */
export function changesOf(records: Records): Change[] {
  return Object.entries(records).map(([name, value]) => ({ name, value }))
}

/** So many records, each named by prefix and number, all with one value or each with one of its own. */
export function numbered(
  count: number,
  prefix: string,
  value: (index: number) => string | undefined,
): Change[] {
  return Array.from({ length: count }, (_, index) => ({ name: `${prefix}${index}`, value: value(index) }))
}

/** Lands a batch without a guard. */
export async function put(store: Store, scope: string, records: Records): Promise<void> {
  assert.equal(await store.write(scope, changesOf(records)), true, 'a write without guards did not land')
}

/** Everything that a scope holds, or that begins with a prefix, as `list` gives it. */
export async function listed(
  store: Store,
  scope: string,
  options: ListOptions = { values: true },
): Promise<Map<string, string | undefined>> {
  const found = new Map<string, string | undefined>()
  for await (const page of store.list(scope, options)) {
    for (const { name, value } of page) found.set(name, value)
  }
  return found
}

/** Every scope that begins with a prefix. */
export async function listedScopes(store: Store, prefix?: string): Promise<string[]> {
  const found: string[] = []
  for await (const page of store.scopes(prefix)) found.push(...page)
  return found.sort()
}

/** Asserts that a scope holds exactly these records, by `list` and by `read`. */
export async function assertHolds(store: Store, scope: string, expected: Records): Promise<void> {
  const found = await listed(store, scope)
  assert.equal(
    JSON.stringify(Array.from(found).sort(byName)),
    JSON.stringify(Object.entries(expected).sort(byName)),
    'the scope lists other records than it should hold',
  )
  const names = Object.keys(expected)
  if (names.length === 0) return
  await assertReads(store, scope, expected)
}

/** Asserts what a scope's records read as; `undefined` for those that must be absent. */
export async function assertReads(store: Store, scope: string, expected: Records): Promise<void> {
  const names = Object.keys(expected)
  const values = await store.read(scope, names)
  assert.equal(values.length, names.length, 'a read has another length than its names')
  names.forEach((name, at) => {
    const actual = values[at]
    if (actual === expected[name]) return
    assert.fail(`record ${name} reads as ${shown(actual)}, not ${shown(expected[name])}`)
  })
}

function shown(value: string | undefined): string {
  if (value === undefined) return 'absent'
  return value.length > 80 ? `${value.length} characters` : JSON.stringify(value)
}

function byName([left]: [string, unknown], [right]: [string, unknown]): number {
  return left < right ? -1 : left > right ? 1 : 0
}
