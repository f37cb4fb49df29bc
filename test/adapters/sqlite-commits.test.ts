import assert from 'node:assert/strict'
import { readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type SqliteDatabase, type SqliteStatement, sqliteStore } from '../../adapters/sqlite.ts'
import { useSqliteAuthState } from '../../src/entries/sqlite.ts'
import { openDatabase } from './sqlite-backend.ts'
import { failure, openStore, temporaryFolder } from './sqlite-folder.ts'

let folder: string
let remove: () => Promise<void>
let path: string

beforeEach(async () => {
  const made = await temporaryFolder()
  folder = made.folder
  remove = made.remove
  path = join(folder, 'bots.db')
})
afterEach(() => remove())

const fence = (value: string) => ({ name: '!fence', value })

test('what a hundred sessions write in one turn is one commit, through any number of stores on the database', async () => {
  const { database, counts } = await counted()
  const [one, other] = [await openStore(database), await openStore(database)]
  counts.commits = 0
  const writes = Array.from({ length: 100 }, (_, at) =>
    (at % 2 === 0 ? one : other).write(`session-${at}`, [{ name: 'creds', value: String(at) }]),
  )
  assert.ok((await Promise.all(writes)).every(Boolean))
  assert.equal(counts.commits, 1)
  assert.deepEqual(await other.read('session-42', ['creds']), ['42'])
  assert.equal(await one.write('shop', [fence('x')], [fence('y')]), false)
  assert.equal(counts.commits, 1, 'what changes nothing is no commit')
  database.close()
})

test('keys of several open sessions that are set in one turn are one commit', async () => {
  const { database, counts } = await counted()
  const sessions = await Promise.all(
    ['a', 'b', 'c'].map(session => useSqliteAuthState(database, { session, logger: false })),
  )
  await Promise.all(sessions.map(auth => auth.saveCreds()))
  counts.commits = 0
  await Promise.all(sessions.map(auth => auth.state.keys.set({ 'lid-mapping': { x: auth.session } })))
  assert.equal(counts.commits, 1)
  for (const auth of sessions) await auth.close()
  database.close()
})

test('a scope that writes alone waits for no others; scopes that write by turns share a commit again', async () => {
  const { database, counts } = await counted()
  const store = await openStore(database)
  await store.write('shop', [{ name: 'creds', value: '0' }])
  let hasTurned = false
  setImmediate(() => {
    hasTurned = true
  })
  counts.commits = 0
  assert.ok(await store.write('shop', [{ name: 'creds', value: '1' }]))
  assert.equal(hasTurned, false)
  assert.equal(counts.commits, 1)
  await store.write('bakery', [{ name: 'creds', value: '1' }])
  counts.commits = 0
  await Promise.all(['shop', 'bakery'].map(scope => store.write(scope, [{ name: 'creds', value: '2' }])))
  assert.equal(counts.commits, 1)
  assert.deepEqual(await store.read('bakery', ['creds']), ['2'])
  database.close()
})

test('a batch whose guard does not hold leaves the others of its turn alone', async () => {
  const store = await openStore(path)
  const answers = await Promise.all([
    store.write('shop', [fence('first')], [{ name: '!fence', value: undefined }]),
    store.write(
      'shop',
      [fence('second'), { name: 'creds', value: 'x' }],
      [{ name: '!fence', value: undefined }],
    ),
    store.write('shop', [{ name: 'creds', value: 'y' }], [fence('first')]),
    store.remove('shop', [fence('second')]),
    store.write('other', [{ name: 'creds', value: 'z' }]),
  ])
  assert.deepEqual(answers, [true, false, true, false, true])
  assert.deepEqual(await store.read('shop', ['!fence', 'creds']), ['first', 'y'])
  assert.deepEqual(await store.read('other', ['creds']), ['z'])
  await store.close()
})

test('a batch that the database refuses fails alone', async () => {
  const { database } = await counted({
    beforeRun: values => {
      if (values[2] === 'refused') throw Object.assign(new Error('of the test'), { code: 'SQLITE_TOOBIG' })
    },
  })
  const store = await openStore(database)
  const [before, refused, after] = await Promise.all([
    store.write('a', [{ name: 'creds', value: 'landed' }]),
    failure(
      store.write('b', [
        { name: 'creds', value: 'half' },
        { name: 'session/1', value: 'refused' },
      ]),
    ),
    store.write('c', [{ name: 'creds', value: 'landed' }]),
  ])
  assert.deepEqual([before, after], [true, true])
  assert.equal(refused.code, 'WRITE_FAILED')
  assert.equal(store.isPermanent?.(refused), true)
  assert.deepEqual(await store.read('b', ['creds', 'session/1']), [undefined, undefined])
  assert.deepEqual(await store.read('c', ['creds']), ['landed'])
  database.close()
})

test('a commit that fails is none for anybody, not even for a guard that failed before it', async () => {
  let isBroken = false
  const { database } = await counted({
    beforeExec: sql => {
      if (isBroken && sql === 'commit') throw Object.assign(new Error('of the test'), { errcode: 266 })
    },
  })
  const store = await openStore(database)
  await store.write('shop', [fence('old')])
  isBroken = true
  const refused = await Promise.all([
    failure(store.write('shop', [fence('new')], [fence('old')])),
    failure(store.write('shop', [{ name: 'creds', value: 'x' }], [fence('old')])),
  ])
  for (const error of refused) {
    assert.equal(error.code, 'WRITE_FAILED')
    assert.match(error.message, /its disk reports an error/)
    assert.equal(store.isPermanent?.(error), false)
  }
  isBroken = false
  assert.deepEqual(await store.read('shop', ['!fence', 'creds']), ['old', undefined])
  assert.ok(await store.write('shop', [{ name: 'creds', value: 'x' }], [fence('old')]))
  database.close()
})

test('a commit that finds a lock in its way is made again, with all that it held', async () => {
  let busy = 3
  const { database } = await counted({
    beforeExec: sql => {
      if (sql === 'commit' && busy-- > 0)
        throw Object.assign(new Error('of the test'), { code: 'SQLITE_BUSY' })
    },
  })
  busy = 0
  const store = await openStore(database)
  busy = 3
  const writes = ['a', 'b'].map(scope => store.write(scope, [{ name: 'creds', value: scope }]))
  assert.deepEqual(await Promise.all(writes), [true, true])
  assert.deepEqual(await store.read('b', ['creds']), ['b'])
  database.close()
})

test('a hundred stores on one path have one connection, and the last one to close closes it', async () => {
  const openFiles = () =>
    readdirSync('/proc/self/fd').filter(descriptor => {
      try {
        return readlinkSync(`/proc/self/fd/${descriptor}`) === path
      } catch {
        return false
      }
    }).length
  const stores = await Promise.all(Array.from({ length: 100 }, () => openStore(path)))
  assert.equal(openFiles(), 1)
  const [last, ...others] = stores
  await Promise.all(others.map(store => store.close()))
  assert.equal(openFiles(), 1)
  assert.equal(await last?.write('shop', [fence('mine')]), true)
  await last?.close()
  assert.equal(openFiles(), 0)
  assert.deepEqual([...readdirSync(folder)], ['bots.db'])
})

test('close lands what was written in the same turn', async () => {
  const store = sqliteStore(path)
  await store.open()
  const write = store.write('shop', [{ name: 'creds', value: 'c' }])
  await store.close()
  assert.equal(await write, true)
  const again = await openStore(path)
  assert.deepEqual(await again.read('shop', ['creds']), ['c'])
  await again.close()
})

interface Hooks {
  readonly beforeExec?: (sql: string) => void
  readonly beforeRun?: (values: readonly unknown[]) => void
}

/** A real database that counts its commits. */
async function counted({ beforeExec, beforeRun }: Hooks = {}): Promise<{
  database: SqliteDatabase
  counts: { commits: number }
}> {
  const inner = await openDatabase(path)
  const counts = { commits: 0 }
  const doing = <T>(sql: string, work: () => T): T => {
    beforeExec?.(sql)
    const result = work()
    if (sql === 'commit') counts.commits += 1
    return result
  }
  const database: SqliteDatabase = {
    prepare(sql): SqliteStatement {
      const statement = inner.prepare(sql)
      return {
        run(...values) {
          if (values.length === 0) return doing(sql, () => statement.run())
          beforeRun?.(values)
          return statement.run(...values)
        },
        get: (...values) => statement.get(...values),
        all: (...values) => statement.all(...values),
      }
    },
    exec: sql => doing(sql, () => inner.exec(sql)),
    close: () => inner.close(),
  }
  return { database, counts }
}
