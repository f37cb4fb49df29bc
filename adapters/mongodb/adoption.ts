import { recordName } from '../../src/names.ts'
import type { StoreWarning } from '../../src/store.ts'
import type { BulkOperation, Commands } from './commands.ts'
import { recordId, type ScopeDocument, scopeId } from './documents.ts'
import { decide, deleteRecords, digForAdoption, fill } from './graves.ts'
import { newIncarnation } from './landing.ts'
import { ageMs, thisMoment } from './moment.ts'
import { trouble } from './trouble.ts'

/** Longer types first, where one begins like another. */
const types = [
  'app-state-sync-version',
  'app-state-sync-key',
  'sender-key-memory',
  'sender-key',
  'identity-key',
  'lid-mapping',
  'device-list',
  'pre-key',
  'session',
  'tctoken',
]

// Above every `_id` of ours, which all begin with the character before `"`.
const idPattern = new RegExp(`^(?:creds$|(?:${types.join('|')})-)`)
const guides = { _id: { $gte: '"', $regex: idPattern.source }, data: { $exists: true } }

const documentsAtOnce = 500
const longestMs = 600_000

/**
 * Makes a session of what the function of the guides has left in the collection: one document for the creds and each
 * key, `_id: 'creds'` or `'<type>-<id>'`, with its text in `data`. Whole or not at all: the session is there from the
 * moment that its own document is, which nothing but the guides' documents' deletion follows; of several that do it at
 * once one is heeded. Returns what to tell the operator; nothing where the scope is there, or there is nothing to adopt.
 *
 * @throws AuthStateError `CREDS_MISSING` and `RECORD_CORRUPT`, with nothing changed
 */
export async function adopt(commands: Commands, scope: string): Promise<readonly StoreWarning[]> {
  const filter = { _id: { $in: [scopeId(scope), 'creds'] } }
  const projection = { adopted: 1, incarnation: 1, data: 1 }
  const [first, second] = await commands.find(filter, { projection })
  if (first && Object(first)._id === scopeId(scope)) return finish(commands, scope, first, second)
  if (first) {
    if (Object(first).data === undefined) throw unreadable('creds', 'it is empty')
    return make(commands, scope)
  }
  const [orphan] = await commands.find(guides, { projection: { _id: 1 }, limit: 1 })
  if (!orphan) return []
  throw trouble(
    'CREDS_MISSING',
    "The MongoDB collection has keys of the guides' useMongoAuthState, but no document creds: without its identity they are worth nothing. Nothing was changed. Restore creds from a backup, or delete the documents to pair anew.",
  )
}

/** Deletes every document of the guides' function, and nothing else. */
export async function deleteGuides(commands: Commands): Promise<void> {
  await commands.deleteMany(guides)
}

async function make(commands: Commands, scope: string): Promise<readonly StoreWarning[]> {
  const since = thisMoment()
  const incarnation = newIncarnation()
  // Before anything is read: who removes the session afterwards finds this note, and ends the adoption. A crash from
  // here on leaves the note, and records that are nobody's.
  await digForAdoption(commands, scope, incarnation)
  const records = await guidesRecords(commands).catch(async (error: unknown) => {
    await fill(commands, scope, incarnation)
    throw error
  })
  if (!records) {
    // Another has adopted or removed them meanwhile.
    await fill(commands, scope, incarnation)
    return adopt(commands, scope)
  }
  for (let at = 0; at < records.length; at += documentsAtOnce) {
    const some = records.slice(at, at + documentsAtOnce)
    if (ageMs(since) > longestMs) throw tookTooLong()
    await commands.bulk(some.map(([name, value]) => insertion(scope, incarnation, name, value)))
  }
  // Nobody deletes the records from here on, unless there is another's document, and this one's can't come.
  if (ageMs(since) > longestMs || !(await decide(commands, scope, incarnation))) {
    await deleteRecords(commands, scope, incarnation)
    throw tookTooLong()
  }
  const document: ScopeDocument = {
    _id: scopeId(scope),
    scope,
    incarnation,
    seq: 1,
    reserved: {},
    log: [],
    adopted: true,
  }
  const isFirst = await commands.insert(document)
  if (!isFirst) await deleteRecords(commands, scope, incarnation)
  await fill(commands, scope, incarnation)
  if (!isFirst) return []
  await finish(commands, scope, document, undefined)
  return [
    {
      code: 'SESSION_ADOPTED',
      message: `Adopted ${records.length} documents of the guides' useMongoAuthState as session "${scope}", and deleted them; that function would not find them any more.`,
    },
  ]
}

/** What was adopted before is deleted, if it is still there: until then the scope's document says so. */
async function finish(
  commands: Commands,
  scope: string,
  document: object,
  creds: object | undefined,
): Promise<readonly StoreWarning[]> {
  const { adopted, incarnation } = Object(document)
  if (adopted === true) {
    await deleteGuides(commands)
    await commands.update({ _id: scopeId(scope), scope, incarnation }, { $set: { adopted: false } })
    return []
  }
  // Read after the session's document: others may have deleted them just before it said so.
  const [left] = creds ? [creds] : await commands.find(guides, { projection: { _id: 1 }, limit: 1 })
  if (!left) return []
  return [
    {
      code: 'GUIDE_DOCUMENTS_IGNORED',
      message: `The MongoDB collection has documents of the guides' useMongoAuthState beside session "${scope}": another program writes them still, or did. End that program, and delete its documents; they are deleted with the session at the latest.`,
    },
  ]
}

/** `undefined` where there are no creds. */
async function guidesRecords(
  commands: Commands,
): Promise<readonly (readonly [name: string, value: string])[] | undefined> {
  const documents = await commands.find(guides)
  return documents.some(document => Object(document)._id === 'creds') ? asRecords(documents) : undefined
}

function asRecords(documents: readonly object[]): readonly (readonly [name: string, value: string])[] {
  const records = new Map<string, string>()
  for (const document of documents) {
    const { _id, data } = Object(document)
    const [type, name] = parseId(String(_id))
    const value = checkedText(type, data)
    if (value === 'null') continue
    if (records.has(name)) throw unreadable(type, 'there are two for the same key')
    records.set(name, value)
  }
  if (!records.has('creds')) throw unreadable('creds', 'it is empty')
  return [...records]
}

function checkedText(type: string, data: unknown): string {
  if (typeof data !== 'string') throw unreadable(type, 'its data is no text')
  try {
    JSON.parse(data)
  } catch {
    throw unreadable(type, 'its data is no JSON')
  }
  return data
}

/** The type and the record of a document; ids in which the guides' `fixFileName` has replaced characters get them back. */
function parseId(id: string): readonly [type: string, name: string] {
  const type = types.find(each => id.startsWith(`${each}-`))
  if (type === undefined) return ['creds', 'creds']
  const rest = id.slice(type.length + 1)
  return [type, recordName(type, restored(type, rest))]
}

/** Only where that is certain: base64 has no `_`, and a sender's key is `<group>::<user>::<device>`. */
function restored(type: string, id: string): string {
  if (type === 'app-state-sync-key') return id.replaceAll('__', '/')
  if (type === 'sender-key') return id.replace(/^(.+)--(.+)--(\d+)$/, '$1::$2::$3')
  return id
}

function insertion(scope: string, incarnation: string, name: string, value: string): BulkOperation {
  return { insertOne: { document: { _id: recordId(incarnation, name), scope, seq: 1, value } } }
}

function tookTooLong(): Error {
  return trouble(
    'WRITE_FAILED',
    'The MongoDB collection took too long to adopt a session. Nothing was changed.',
  )
}

function unreadable(type: string, why: string): Error {
  return trouble(
    'RECORD_CORRUPT',
    `The MongoDB collection has documents of the guides' useMongoAuthState, of which one of type ${type} can't be adopted: ${why}. Nothing was changed. Restore or delete it, or name a session of its own by the option session.`,
  )
}
