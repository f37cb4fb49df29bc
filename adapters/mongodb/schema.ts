import type { Commands } from './commands.ts'
import { isGrave, oldGraves } from './graves.ts'
import { trouble } from './trouble.ts'

const version = 1
const versionId = '!$schema'
const indexName = 'authkit_gone'
const rememberedSeconds = 2 * 86_400
const leastSeconds = 86_400

/** How many graves one process looks at when it opens the collection. */
const gravesAtOnce = 100

/**
 * Sees to it that the collection is one of ours: an index that lets the server forget removed records after two days,
 * and a note of the layout's version. A collection that is ready is only looked at, by one command. Gives some of the
 * graves that may be swept by now.
 *
 * @throws AuthStateError `SCHEMA_NEWER` for a later layout, `STORE_UNUSABLE` for what can't hold a session
 */
export async function prepare(commands: Commands): Promise<readonly object[]> {
  const filter = { _id: { $gte: '!#', $lt: '!%' }, $or: [{ _id: versionId }, oldGraves()] }
  // The note comes first, downwards.
  const found = await commands.find(filter, { sort: { _id: -1 }, limit: 1 + gravesAtOnce })
  const note = found.find(document => Object(document)._id === versionId)
  if (note) checkVersion(Object(note).version)
  else await makeReady(commands)
  return found.filter(isGrave)
}

async function makeReady(commands: Commands): Promise<void> {
  checkOptions(await commands.options())
  const indexes = await commands.indexes()
  for (const index of indexes) checkUnique(index)
  const ours = indexes.find(index => isOnGone(Object(index).key))
  if (ours) checkIndex(ours)
  else {
    await commands.createIndex(
      { gone: 1 },
      { name: indexName, expireAfterSeconds: rememberedSeconds, sparse: true },
    )
  }
  await commands.insert({ _id: versionId, scope: versionId, version })
}

function checkVersion(found: unknown): void {
  if (Number(found) <= version) return
  throw trouble(
    'SCHEMA_NEWER',
    `The MongoDB collection has layout ${Number(found)}, made by a newer version of baileys-authkit; this one knows ${version}. Update it here too.`,
  )
}

function checkOptions(options: object | undefined): void {
  const { collation, capped, timeseries, viewOn } = Object(options)
  const problem = [
    [
      collation !== undefined && collation.locale !== 'simple',
      'has a collation, by which different ids may be the same',
    ],
    [capped, 'is capped: it forgets its oldest documents'],
    [timeseries, 'is a time series'],
    [viewOn, 'is a view'],
  ].find(([applies]) => applies)
  if (problem) throw trouble('STORE_UNUSABLE', `The MongoDB collection ${problem[1]}. Name another one.`)
}

function checkIndex(index: unknown): void {
  const { expireAfterSeconds } = Object(index)
  if (expireAfterSeconds === undefined || Number(expireAfterSeconds) >= leastSeconds) return
  throw trouble(
    'STORE_UNUSABLE',
    `The MongoDB collection's index on gone forgets removed records after ${Number(expireAfterSeconds)} s, and a late write could bring them back. Drop it; it is made anew.`,
  )
}

/** Two documents of one session are alike in all but their `_id`: another index that knows no equals refuses one. */
function checkUnique(index: unknown): void {
  const { key, unique, prepareUnique, name } = Object(index)
  if (!(unique || prepareUnique) || Object.hasOwn(Object(key), '_id')) return
  throw trouble(
    'STORE_UNUSABLE',
    `The MongoDB collection has a unique index (${name}) on something else than _id, which would refuse records. Drop it, or name another collection; a shard key of scope is not unique.`,
  )
}

function isOnGone(key: unknown): boolean {
  return typeof key === 'object' && key !== null && Object.keys(key).join() === 'gone'
}
