import assert from 'node:assert/strict'
import { recordStatements } from '../../adapters/sqlite/records.ts'
import { migrations } from '../../adapters/sqlite/schema.ts'
import { openDatabase } from './sqlite-backend.ts'

// Two thousand sessions cost what ten do only while no statement walks over what it is not asked for.
test.each(Object.entries(recordStatements))(
  '%s searches by the primary key and sorts nothing',
  async (name, sql) => {
    const database = await openDatabase(':memory:')
    for (const step of migrations) database.exec(step)
    const given = Array.from(sql.matchAll(/\?/g), () => (name === 'readMany' ? '["creds"]' : 1))
    const plan = Array.from(database.prepare(`explain query plan ${sql}`).all(...given), row =>
      String(Object(row).detail),
    )
    database.close()
    if (name !== 'put') assert.match(plan[0] ?? '', /^SEARCH \w+ USING PRIMARY KEY \(scope[=>]\?/)
    const walks = plan.filter(step => /^SCAN|TEMP B-TREE|AUTOMATIC/.test(step))
    // The names that were asked for are walked over, not the table.
    assert.deepEqual(walks, name === 'readMany' ? ['SCAN json_each VIRTUAL TABLE INDEX 1:'] : [])
  },
)
